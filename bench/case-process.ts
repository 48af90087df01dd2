/** A case's own process: prepares, tells the harness, runs when told, and gives its output. */
import { once } from 'node:events';
import type { CaseMessage, HarnessMessage, Prepare } from './case.ts';

const [modulePath = '', input = '{}'] = process.argv.slice(2);

async function told(expected: HarnessMessage): Promise<void> {
  const [message] = (await once(process, 'message')) as [HarnessMessage];
  if (message !== expected) throw new Error(`the harness said ${message} instead of ${expected}`);
}

function tell(message: CaseMessage): void {
  process.send?.(message);
}

const { prepare } = (await import(modulePath)) as { prepare: Prepare<unknown> };
const prepared = await prepare(JSON.parse(input));
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
process.disconnect();
