/** A case's own process: prepares when given its input, runs when told, gives its output. Ends with the harness. */
import { once } from 'node:events';
import type { CaseMessage, HarnessMessage, Prepare } from './case.ts';

const [modulePath = ''] = process.argv.slice(2);

async function told<Step extends HarnessMessage['step']>(step: Step): Promise<Extract<HarnessMessage, { step: Step }>> {
  const [message] = (await once(process, 'message')) as [HarnessMessage];
  if (message.step !== step) throw new Error(`the harness said ${message.step} instead of ${step}`);
  return message as Extract<HarnessMessage, { step: Step }>;
}

function tell(message: CaseMessage): void {
  process.send?.(message);
}

const orphaned = (): never => process.exit(1);
process.once('disconnect', orphaned);
const given = told('prepare');
const { prepare } = (await import(modulePath)) as { prepare: Prepare<unknown> };
const prepared = await prepare((await given).input);
const mayRun = told('run');
tell({ step: 'ready' });
await mayRun;
const began = performance.now();
await prepared.run();
const wallMs = performance.now() - began;
const mayFinish = told('finish');
tell({ step: 'measured', wallMs });
await mayFinish;
tell({ step: 'finished', output: await prepared.finish() });
process.off('disconnect', orphaned);
process.disconnect();
