import { setTimeout as delay } from 'node:timers/promises';
import {
  discoveryFencedOut,
  recordDiscovered,
  recordDiscoveryFailure,
  recordDiscoveryProgress,
  recordKnownInstances,
  recordNewInstances,
  recordScopeEnd,
  type DiscoveryAttempt,
  type DiscoveryOutcome,
  type SeenPage,
} from '../../commands/data-sources/record-discovery.ts';
import { connectedAccount } from '../../db/data-sources/account-store.ts';
import { holdsDiscoveryFence, takeDiscoveryFence } from '../../db/data-sources/discovery-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { DiscoveryStep } from '../../domain/data-sources/cloud-ports.ts';
import { toErrorRecord, type DomainError } from '../../domain/shared/errors.ts';
import type { DiscoverAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { actingActivity, type LongAttempt } from '../shared/attempt.ts';
import { fencedAttempt } from '../shared/fenced-attempt.ts';
import { openAccount } from '../shared/open-account.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

/** Instances written in one transaction: short enough that nobody waits for it. */
const INSTANCES_PER_STEP = 500;
/** How often an attempt looks whether it is still wanted, and shows its progress. */
const LOOK_EVERY_MS = 1_000;
const MERGE_LOCK_RETRY_MS = 200;

/**
 * Lists everything the account holds and keeps it, page by page, under a fence. It may be stopped
 * anywhere and repeated: each page is one transaction, or two where instances are new, and only a
 * scope that was listed to its end tells which instances are gone.
 */
export async function discover(deps: DataSourceActivityDependencies, ref: EntityRef, act: DiscoverAct): Promise<string> {
  const { discoveryId } = act;
  const decision = () => ({ at: deps.clock.now(), by: actingActivity('discovery'), outcomeKey: act.key });
  return await fencedAttempt<DiscoveryAttempt & { operationId: string | null }, null>({
    fencedOut: discoveryFencedOut('').code,
    async begin() {
      const account = await connectedAccount(deps.db, ref.organizationId, ref.id);
      if (account === null) return null;
      const taken = await inTransaction(deps.db, (tx) => takeDiscoveryFence(tx, ref.organizationId, ref.id, discoveryId, deps.clock.now()));
      return taken === null ? null : { ref, cloud: account.cloud, discoveryId, by: actingActivity('discovery'), ...taken };
    },
    async perform(attempt, held) {
      const run = new DiscoveryRun(deps, held, attempt);
      const outcome = await run.whileWatched(() => run.listAll());
      await inTransaction(deps.db, (tx) => recordDiscovered(tx, held, outcome, decision()));
      return inWords(outcome);
    },
    judge: (failure) => failure,
    onFailure: (error) => deps.log.warn({ err: error, dataSourceId: ref.id, discoveryId }, 'an attempt of a discovery failed'),
    fail: (held, reason) => inTransaction(deps.db, (tx) => recordDiscoveryFailure(tx, held, reason, decision())),
  });
}

function inWords({ counts, failed }: DiscoveryOutcome): string {
  const scopes = `${counts.scopesListed} ${counts.scopesListed === 1 ? 'scope' : 'scopes'} listed`;
  const found = `${counts.seen} instances, ${counts.added} new, ${counts.changed} changed, ${counts.gone} gone`;
  const [first] = failed;
  return first === undefined ? `${scopes}: ${found}` : `${scopes}, ${failed.length} failed (${first.scope}: ${first.error.code}): ${found}`;
}

/** One attempt's way through the account. */
class DiscoveryRun {
  readonly #deps: DataSourceActivityDependencies;
  readonly #held: DiscoveryAttempt & { operationId: string | null };
  readonly #attempt: LongAttempt<null>;
  readonly #counts = { scopesListed: 0, scopesFailed: 0, seen: 0, added: 0, changed: 0, gone: 0 };
  readonly #listed: string[] = [];
  readonly #failed: DiscoveryOutcome['failed'][number][] = [];

  constructor(deps: DataSourceActivityDependencies, held: DiscoveryAttempt & { operationId: string | null }, attempt: LongAttempt<null>) {
    this.#deps = deps;
    this.#held = held;
    this.#attempt = attempt;
  }

  async listAll(): Promise<DiscoveryOutcome> {
    const { catalog } = await openAccount(this.#deps, this.#held.ref);
    for await (const step of catalog.discover(this.#attempt.signal)) {
      this.#attempt.signal.throwIfAborted();
      await this.#take(step);
    }
    return { counts: this.#counts, listed: this.#listed, failed: this.#failed };
  }

  async #take(step: DiscoveryStep): Promise<void> {
    const at = this.#deps.clock.now();
    switch (step.kind) {
      case 'instances':
        for (let from = 0; from < step.instances.length; from += INSTANCES_PER_STEP) {
          await this.#keep({ scope: step.scope, instances: step.instances.slice(from, from + INSTANCES_PER_STEP), at });
        }
        return;
      case 'listed':
        return await this.#endScope(step.scope, null, at);
      case 'failed':
        return await this.#endScope(step.scope, step.error, at);
    }
  }

  async #keep(page: SeenPage): Promise<void> {
    const { db } = this.#deps;
    const { changed, unwritten } = await inTransaction(db, (tx) => recordKnownInstances(tx, this.#held, page));
    this.#counts.seen += page.instances.length;
    this.#counts.changed += changed;
    if (!unwritten) return;
    let written = await inTransaction(db, (tx) => recordNewInstances(tx, this.#held, page));
    while (written === null) {
      await delay(MERGE_LOCK_RETRY_MS, undefined, { signal: this.#attempt.signal });
      written = await inTransaction(db, (tx) => recordNewInstances(tx, this.#held, page));
    }
    this.#counts.added += written.added;
  }

  async #endScope(scope: string, error: DomainError | null, at: string): Promise<void> {
    let end = { gone: 0, done: false };
    while (!end.done) {
      end = await inTransaction(this.#deps.db, (tx) => recordScopeEnd(tx, this.#held, { scope, error, at }));
      this.#counts.gone += end.gone;
    }
    if (error === null) {
      this.#listed.push(scope);
      this.#counts.scopesListed += 1;
    } else {
      this.#failed.push({ scope, error: toErrorRecord(error) });
      this.#counts.scopesFailed += 1;
    }
  }

  /** Drops the attempt as soon as its fence is lost, be it in the middle of a slow call; shows its progress meanwhile. */
  async whileWatched<T>(work: () => Promise<T>): Promise<T> {
    let looking: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      looking = looking.then(() => this.#look());
    }, LOOK_EVERY_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await looking;
    }
  }

  async #look(): Promise<void> {
    const { db, clock, log } = this.#deps;
    const { ref, discoveryId, fence, operationId } = this.#held;
    try {
      if (!(await holdsDiscoveryFence(db, ref.organizationId, ref.id, { discoveryId, fence }, false))) {
        this.#attempt.drop(discoveryFencedOut(discoveryId));
      } else if (operationId !== null) {
        const progress = { id: operationId, counts: { ...this.#counts }, at: clock.now() };
        await inTransaction(db, (tx) => recordDiscoveryProgress(tx, this.#held, progress));
      }
    } catch (error) {
      // A database that is away for a moment must not end the listing; the next write will tell.
      log.warn({ err: error, discoveryId }, 'progress not written');
    }
  }
}

