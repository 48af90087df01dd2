import test, { type ExecutionContext } from 'ava';
import { setTimeout as delay } from 'node:timers/promises';
import { changeClaims } from '../../commands/power/port.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { plusMilliseconds } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { POWER_SWEEP } from '../../workers/sweep-schedule.ts';
import { soak } from '../helpers/environment.ts';
import { ownServers, type OwnServers } from '../helpers/own-servers.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { bookingClaim } from '../helpers/power-claims.ts';
import { arrangePower, type PowerArrangement } from '../helpers/power-site.ts';
import { randomOf } from '../helpers/random.ts';
import { startWorkerProcess, type WorkerProcess } from '../helpers/worker-process.ts';

const SEEDS = soak ? 40 : 1;
const MACHINES = 24;
const WORKERS = 2;

let servers: OwnServers;
let site: Platform;
test.before(async () => {
  servers = await ownServers();
});
test.after.always(() => servers?.stop());
test.beforeEach(async () => {
  site = await platform(undefined, servers);
});
test.afterEach.always(() => site?.end());

/** Keeps worker processes alive, however often they are killed, until stopped. */
function keepWorkers(): { killOne(random: number): Promise<void>; stop(): Promise<void> } {
  const alive: WorkerProcess[] = Array.from({ length: WORKERS }, () => startWorkerProcess(site.config));
  return {
    async killOne(random) {
      const index = Math.floor(random * alive.length);
      await alive[index]?.kill();
      alive[index] = startWorkerProcess(site.config);
    },
    async stop() {
      await Promise.all(alive.map((worker) => worker.kill()));
    },
  };
}

/** Claims that begin in a moment: a sweep takes them, and a run carries them out. */
async function want(power: PowerArrangement, ids: readonly string[], wanted: 'on' | 'off'): Promise<void> {
  const claims = ids.map((id) => ({ ...bookingClaim(power, id, { from: plusMilliseconds(systemClock.now(), 1_500), until: null }), wanted }));
  await inTransaction(site.db, (tx) =>
    changeClaims(tx, power.sandbox.organizationId, ids, (known) => ({ put: claims, drop: known.map((claim) => claim.id) }), power.decision()),
  );
}

/** Sweeps until the claims are taken, as the Schedule does each minute: whatever is down meanwhile. */
async function sweepUntilTaken(): Promise<void> {
  let count = 0;
  await eventually(
    async () => {
      const open = await site.db('power_states').whereNotNull('next_due_at').first('resource_id');
      if (open === undefined) return true;
      count += 1;
      await site.client.workflow.start('powerSweep', { workflowId: `power-sweep-${count % 3}`, taskQueue: 'entities', workflowIdReusePolicy: 'ALLOW_DUPLICATE', workflowIdConflictPolicy: 'USE_EXISTING' });
      await delay(1_000);
      return false;
    },
    'the sweep',
    120,
  );
}

async function everyRunEnds(): Promise<void> {
  await eventually(async () => (await site.db('power_runs').where({ state: 'running' }).first('id')) === undefined, 'the end of every run', 240);
}

/** One effective call each, and each machine there; runs say so too. */
async function brought(t: ExecutionContext, power: PowerArrangement, ids: readonly string[], state: 'running' | 'stopped', actions: string[]): Promise<void> {
  t.deepEqual([...new Set(await power.states(ids))], [state]);
  for (const id of ids) {
    t.deepEqual((await power.changes([id])).map(({ action }) => action), actions);
    t.like((await power.items(id)).at(-1), { state: 'settled', observed: state });
  }
}

/** What is killed while machines boot, and while they stop. */
const KINDS = ['worker', 'postgres', 'temporal', 'forget'] as const;
type Kill = (typeof KINDS)[number];
const FEW: Record<'on' | 'off', Kill[]> = { on: ['worker', 'postgres'], off: ['worker', 'forget', 'worker'] };

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test.serial(`machines get there by one call each though workers, PostgreSQL and Temporal are killed, which forgets all, and calls fail, with seed ${seed}`, async (t) => {
    t.timeout(600_000);
    const random = randomOf(seed);
    const many = (): Kill[] => Array.from({ length: 6 }, () => KINDS[Math.floor(random() * KINDS.length)] ?? 'worker');
    const workers = keepWorkers();
    const kill = async (kind: Kill): Promise<void> => {
      if (kind === 'worker') await workers.killOne(random());
      else if (kind === 'postgres') await servers.crashPostgres();
      else await servers.crashTemporal({ forget: kind === 'forget' });
    };
    try {
      const power = await arrangePower(site, systemClock);
      const ids = await power.sandbox.machines(MACHINES, { bootSeconds: 4, stopSeconds: 4 });
      const phases = [['on', 'running', ['start']], ['off', 'stopped', ['start', 'stop']]] as const;
      for (const [wanted, state, actions] of phases) {
        await power.fault('unavailable', { percent: 50, seed, remaining: 1 });
        await power.fault('answer-lost', { action: wanted === 'on' ? 'start' : 'stop', percent: 50, seed, remaining: 1 });
        await want(power, ids, wanted);
        const swept = sweepUntilTaken();
        // Awaited below; until then what fails must not count as unhandled.
        swept.catch(() => undefined);
        for (const kind of soak ? many() : FEW[wanted]) {
          await delay(300 + random() * 2_500);
          await kill(kind);
        }
        await swept;
        await everyRunEnds();
        await brought(t, power, ids, state, [...actions]);
      }
      const schedule = site.client.schedule.getHandle(POWER_SWEEP);
      t.truthy(await eventually(() => schedule.describe(), 'the sweep’s Schedule', 150));
    } finally {
      await workers.stop();
    }
  });
}

if (soak) {
  test.serial('a run goes on, and the sweep’s Schedule is back, after Temporal lost its whole database and no worker began anew', async (t) => {
    t.timeout(400_000);
    const workers = keepWorkers();
    try {
      const power = await arrangePower(site, systemClock);
      const ids = await power.sandbox.machines(MACHINES, { bootSeconds: 6 });
      await want(power, ids, 'on');
      await sweepUntilTaken();
      await eventually(async () => (await power.states(ids)).includes('starting'), 'the first machines to boot');
      await servers.crashTemporal({ forget: true });
      await everyRunEnds();
      await brought(t, power, ids, 'running', ['start']);
      const schedule = site.client.schedule.getHandle(POWER_SWEEP);
      t.truthy(await eventually(() => schedule.describe(), 'the Schedule', 150));
    } finally {
      await workers.stop();
    }
  });
}
