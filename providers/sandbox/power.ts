import type { OperationState, PowerCall, PowerControl } from '../../domain/data-sources/cloud-ports.ts';
import type { InstanceRef, ObservedInstance } from '../../domain/resources/instance.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import { decidePower } from '../../domain/sandbox/power-call.ts';
import type { SandboxStore } from '../../domain/sandbox/ports.ts';
import { followOperation, observeInstances, type ReadCall } from '../../domain/sandbox/read-call.ts';
import type { DomainError } from '../../domain/shared/errors.ts';
import type { Clock } from '../../domain/shared/time.ts';

const BATCH = 100;
const CONCURRENCY = 10;

/** Starts, stops and observes the instances of one sandbox. */
export function sandboxPower({ store, clock }: { store: SandboxStore; clock: Clock }, account: SandboxAccountKey): PowerControl {
  const call = async (
    action: 'start' | 'stop',
    refs: readonly InstanceRef[],
    requestKey: string,
    signal: AbortSignal,
  ): Promise<Map<string, PowerCall>> => {
    signal.throwIfAborted();
    if (refs.length === 0) return new Map();
    const request = { action, at: clock.now(), accountId: account.accountId, refs, requestKey };
    const { refusal, answers } = await store.change(account, refs.map(({ nativeId }) => nativeId), (view) => decidePower(view, request));
    if (refusal !== null) throw refusal;
    return answers;
  };
  return {
    batchSize: BATCH,
    concurrency: CONCURRENCY,
    observe: (refs, signal) => observe({ store, clock }, account, refs, signal),
    start: (refs, requestKey, signal) => call('start', refs, requestKey, signal),
    stop: (refs, requestKey, signal) => call('stop', refs, requestKey, signal),
    async followOperation({ nativeId, regionId }, operation, signal): Promise<OperationState> {
      signal.throwIfAborted();
      const ids = [nativeId];
      const read: ReadCall = { action: 'follow-operation', at: clock.now(), accountId: account.accountId, regionId, ids };
      const { refusal, answer } = await store.look(account, { ids }, (view) => followOperation(view, read, operation));
      if (refusal !== null) throw refusal;
      return answer;
    },
  };
}

/** A call a region. Of a region that does not answer nothing is known, which is an error only when no region answers. */
async function observe(
  { store, clock }: { store: SandboxStore; clock: Clock },
  account: SandboxAccountKey,
  refs: readonly InstanceRef[],
  signal: AbortSignal,
): Promise<Map<string, ObservedInstance>> {
  const observed = new Map<string, ObservedInstance>();
  let answered = 0;
  let refused: DomainError | null = null;
  for (const [regionId, members] of Map.groupBy(refs, (ref) => ref.regionId)) {
    signal.throwIfAborted();
    const ids = members.map(({ nativeId }) => nativeId);
    const read: ReadCall = { action: 'observe', at: clock.now(), accountId: account.accountId, regionId, ids };
    const { refusal, answer } = await store.look(account, { ids }, (view) => observeInstances(view, read));
    answered += refusal === null ? 1 : 0;
    refused ??= refusal;
    for (const id of ids) observed.set(id, answer.get(id) ?? { state: 'unknown', stateReason: refusal?.message ?? null });
  }
  if (refused !== null && answered === 0) throw refused;
  return observed;
}
