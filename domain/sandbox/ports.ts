import type { Instant } from '../shared/time.ts';
import type { SandboxAccountKey } from './account.ts';
import type { SandboxDecision, SandboxView } from './call.ts';

/** Which instances a look is about: some by their ids, or a page of a region in the order of ids. */
export type SandboxSelection = { ids: readonly string[] } | { regionId: string; after: string | null; limit: number };

/** Where sandboxes are kept. Rows of another organization or account do not exist here. */
export interface SandboxStore {
  /**
   * Locks the named instances and the account's faults, lets `decide` say what becomes of them, and
   * writes that with its log in the same transaction. `decide` may run more than once.
   */
  change<D extends SandboxDecision>(account: SandboxAccountKey, ids: readonly string[], decide: (view: SandboxView) => D): Promise<D>;
  /**
   * The same without locking instances: one that somebody else changed meanwhile keeps that change. The answer may
   * be older than the newest change by as long as the look takes.
   */
  look<D extends SandboxDecision>(account: SandboxAccountKey, selection: SandboxSelection, decide: (view: SandboxView) => D): Promise<D>;
  /** Scaling groups put a new instance in the place of each member that has been stopped for too long. */
  replaceStoppedMembers(account: SandboxAccountKey, at: Instant): Promise<void>;
}
