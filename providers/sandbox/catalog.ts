import { problemOf } from '../../domain/data-sources/cloud-errors.ts';
import type { DiscoveryStep, InstanceCatalog } from '../../domain/data-sources/cloud-ports.ts';
import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import { SANDBOX_REGIONS } from '../../domain/sandbox/catalogue.ts';
import type { SandboxSelection, SandboxStore } from '../../domain/sandbox/ports.ts';
import { listInstances, type ListedPage, type Read, type ReadCall } from '../../domain/sandbox/read-call.ts';
import type { Clock } from '../../domain/shared/time.ts';

export interface CatalogParts {
  store: SandboxStore;
  clock: Clock;
  /** Instances a page. */
  pageSize: number;
}

/** Lists a sandbox region by region. */
export function sandboxCatalog(parts: CatalogParts, account: SandboxAccountKey): InstanceCatalog {
  return {
    async *discover(signal) {
      signal.throwIfAborted();
      await parts.store.replaceStoppedMembers(account, parts.clock.now());
      for (const regionId of SANDBOX_REGIONS) yield* listRegion(parts, account, regionId, signal);
    },
  };
}

async function* listRegion(
  { store, clock, pageSize }: CatalogParts,
  account: SandboxAccountKey,
  regionId: string,
  signal: AbortSignal,
): AsyncGenerator<DiscoveryStep> {
  let after: string | null = null;
  do {
    signal.throwIfAborted();
    const read: ReadCall = { action: 'discover', at: clock.now(), accountId: account.accountId, regionId, ids: [] };
    const page: SandboxSelection = { regionId, after, limit: pageSize };
    const listed: Read<ListedPage> = await store.look(account, page, (view) => listInstances(view, read, pageSize));
    const { refusal, answer } = listed;
    if (refusal !== null) {
      // With these credentials no region can be listed.
      if (problemOf(refusal) === 'bad-credentials') throw refusal;
      yield { kind: 'failed', scope: regionId, error: refusal };
      return;
    }
    const { instances, next } = answer;
    if (instances.length > 0) yield { kind: 'instances', scope: regionId, instances };
    after = next;
  } while (after !== null);
  yield { kind: 'listed', scope: regionId };
}
