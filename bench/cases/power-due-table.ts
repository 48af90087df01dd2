import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../db/shared/connection.ts';
import { createSandboxStore } from '../../db/sandbox/sandbox-store.ts';
import { newId } from '../../commands/shared/new-id.ts';
import type { InstanceRef } from '../../domain/resources/instance.ts';
import { createSandboxProvider } from '../../providers/sandbox/provider.ts';
import { systemClock } from '../../workers/dependencies.ts';
import type { Prepare } from '../case.ts';
import { latenessOf, readCalls } from './power-firing.ts';
import { SANDBOX } from './power-fleet.ts';
import { TENANT } from './tenant.ts';

export interface PowerPeerInput {
  databaseUrl: string;
  due: number;
}

const POLL_MS = 20;
const CLAIMED_AT_ONCE = 500;
/** Time to write what is due, and to come to rest. */
const AHEAD_MS = 2_000;

/**
 * The least that anyone could do: a table of what is due, and one process that claims batches of it and
 * calls the same provider for them. It does not observe, records nothing and forgets what fails.
 */
export const prepare: Prepare<PowerPeerInput> = async ({ databaseUrl, due }) => {
  const db = connect(databaseUrl, { poolMax: 20, applicationName: 'orrery-bench' });
  const store = createSandboxStore({ db, newInstanceId: () => newId('sandbox-instance') });
  const { power } = createSandboxProvider({ store, clock: systemClock }).open({ ...SANDBOX, dataSourceId: TENANT.dataSourceId, connection: {}, credentials: null });
  const dueAt = Date.now() + AHEAD_MS;
  await db.raw(`create table bench_due (instance_id text primary key, region_id text not null, due_at timestamptz not null)`);
  await db.raw(
    `insert into bench_due select id, region_id, ? from sandbox_instances order by id limit ?`,
    [new Date(dueAt).toISOString(), due],
  );
  await db.raw(`create index bench_due_at on bench_due (due_at)`);
  await db.raw('vacuum analyze bench_due');
  const claim = async (): Promise<InstanceRef[]> => {
    const { rows } = await db.raw<{ rows: { instance_id: string; region_id: string }[] }>(
      `update bench_due set due_at = due_at + interval '1 day' where instance_id in (
         select instance_id from bench_due where due_at <= ? order by due_at limit ${CLAIMED_AT_ONCE} for update skip locked
       ) returning instance_id, region_id`,
      [systemClock.now()],
    );
    return rows.map(({ instance_id: nativeId, region_id: regionId }) => ({ nativeId, regionId, handle: {}, discardLocalSsd: false }));
  };
  const signal = new AbortController().signal;
  return {
    async run() {
      const calls: Promise<unknown>[] = [];
      for (let claimed = 0; claimed < due; ) {
        const refs = await claim();
        if (refs.length === 0) await delay(POLL_MS);
        for (const region of Map.groupBy(refs, ({ regionId }) => regionId).values()) {
          for (let from = 0; from < region.length; from += power.batchSize) {
            const batch = region.slice(from, from + power.batchSize);
            calls.push(power.start(batch, `bench/${batch[0]?.nativeId}`, signal));
          }
        }
        claimed += refs.length;
      }
      await Promise.all(calls);
    },
    async finish() {
      const calls = latenessOf(await readCalls(db, 0, 'start', due), dueAt);
      await db.destroy();
      return { calls };
    },
  };
};
