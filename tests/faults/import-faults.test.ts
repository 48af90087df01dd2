import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'ava';
import { Big } from 'big.js';
import { manyRows, ROW_COST } from '../helpers/many-rows.ts';
import { anOrganization, ask, billedTotals, connectDirectory, importOutcome, outcomeOf } from '../helpers/connect.ts';
import { soak } from '../helpers/environment.ts';
import { writeHandMadePeriod } from '../helpers/hand-made-bill.ts';
import { ownServers, type OwnServers } from '../helpers/own-servers.ts';
import { awsAccount, type AwsAccount } from '../helpers/peers/aws-account.ts';
import { startFaultProxy, type FaultProxy } from '../helpers/peers/fault-proxy.ts';
import { startDeniedEc2 } from '../helpers/peers/aws/ec2-denied.ts';
import { startMoto, type MotoPeer } from '../helpers/peers/moto.ts';
import type { Peer } from '../helpers/peers/peer.ts';
import { eventually, platform, type Platform } from '../helpers/platform.ts';
import { randomOf } from '../helpers/random.ts';
import { startWorkerProcess, type WorkerProcess } from '../helpers/worker-process.ts';

const SEEDS = soak ? 500 : 20;
/** Imports that run side by side; each meets the kills at another point of its work. */
const AT_ONCE = soak ? 50 : 10;
const KILLS = soak ? 18 : 6;
const WORKERS = 2;
const MONTHS = ['2026-09', '2026-10'];
const ROWS = 400;

let servers: OwnServers;
let site: Platform;
let moto: MotoPeer;
let aws: AwsAccount;
let proxy: FaultProxy;
let ec2: Peer;
test.before(async () => {
  servers = await ownServers();
  moto = await startMoto();
  aws = awsAccount(moto.url);
  ec2 = await startDeniedEc2();
  proxy = await startFaultProxy(moto.url, { seed: 1, rates: { 'server-error': 0.02, reset: 0.02, slow: 0.02, truncate: 0.02 } });
  site = await platform((config) => ({ ...config, awsEndpoints: { ...config.awsEndpoints, s3: proxy.url, sts: moto.url, ec2: ec2.url } }), servers);
});
test.after.always(async () => {
  await site?.end();
  await proxy?.stop();
  await ec2?.stop();
  await moto?.stop();
  await servers?.stop();
});

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

function writeBill(seed: number): { path: string; total: string } {
  const path = join(site.directory, `bill-${seed}`);
  mkdirSync(path, { recursive: true });
  for (const month of MONTHS) {
    writeHandMadePeriod(path, 'cur', 'acme', { month, assembly: `${seed}`, rowsPerFile: ROWS / 4, rows: manyRows(month, ROWS, seed) });
  }
  return { path, total: new Big(ROW_COST).times(MONTHS.length * ROWS).toFixed() };
}

async function upload(path: string, bucket: string): Promise<void> {
  await aws.createBucket(bucket);
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    await aws.putObject(bucket, relative(path, file), readFileSync(file));
  }
}

/** Connects a bill: every second one through S3 with faults, the others from the directory. */
async function connectBill(organizationId: string, seed: number, path: string): Promise<string> {
  if (seed % 2 === 0) return await connectDirectory(site, organizationId, path, { name: `Bill ${seed}` });
  const bucket = `bills-${seed}`;
  await upload(path, bucket);
  const credentials = await aws.createUser(`user-${seed}`);
  const check = await outcomeOf(
    site,
    await ask(
      site,
      organizationId,
      { kind: 'root', export: { scheme: 'bucket-only', dialect: null, name: null, bucket, prefix: 'cur', region: 'us-east-1' } },
      { name: `Bill ${seed}`, credentials },
    ),
  );
  if (check.error !== null) throw new Error(`${check.error.code}: ${check.error.message}`);
  return check.dataSourceId;
}

for (let first = 0; first < SEEDS; first += AT_ONCE) {
  const seeds = Array.from({ length: Math.min(AT_ONCE, SEEDS - first) }, (_, index) => first + index);
  test.serial(`imports of seeds ${seeds.at(0)} to ${seeds.at(-1)} end right though workers, relay, PostgreSQL and Temporal are killed and S3 fails`, async (t) => {
    t.timeout(600_000);
    const random = randomOf(first + 1);
    const workers = keepWorkers();
    const expected = new Map<string, { organizationId: string; total: string }>();
    try {
      await Promise.all(
        seeds.map(async (seed) => {
          const organizationId = await anOrganization(site, `Org ${seed}`);
          const { path, total } = writeBill(seed);
          expected.set(await connectBill(organizationId, seed, path), { organizationId, total });
        }),
      );
      const done = Promise.all([...expected].map(([id, { organizationId }]) => importOutcome(site, organizationId, id, soak ? 560 : 200)));
      // Awaited below; until then an outcome that never comes must not count as unhandled.
      done.catch(() => undefined);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await new Promise((resolve) => setTimeout(resolve, 500 + random() * 3_500));
        if (kill % 6 === 2) await servers.crashPostgres();
        else if (kill % 6 === 4) await servers.crashTemporal();
        else await workers.killOne(random());
      }
      for (const { operation } of await done) t.is(operation.state, 'completed', JSON.stringify(operation.error));
      for (const [id, { total }] of expected) {
        const { USD } = await billedTotals(site, id);
        t.is(USD, total);
        const rows = await site.db('daily_costs').where({ data_source_id: id }).count<{ count: number }[]>('* as count');
        t.is(rows[0]?.count, MONTHS.length * ROWS);
      }
    } finally {
      await workers.stop();
    }
  });
}

test.serial('an import goes on, and its Schedule is back, after Temporal lost its whole database', async (t) => {
  t.timeout(300_000);
  const workers = keepWorkers();
  try {
    const organizationId = await anOrganization(site, 'Forgotten');
    const { path, total } = writeBill(100_000);
    const id = await connectDirectory(site, organizationId, path, { name: 'Forgotten' });
    await servers.crashTemporal({ forget: true });
    const { operation } = await importOutcome(site, organizationId, id, 200);
    t.is(operation.state, 'completed', JSON.stringify(operation.error));
    t.is((await billedTotals(site, id)).USD, total);
    const schedule = site.client.schedule.getHandle(`import-data-source/${id}`);
    t.truthy(await eventually(() => schedule.describe(), 'the Schedule', 150));
  } finally {
    await workers.stop();
  }
});
