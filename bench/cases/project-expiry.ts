import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connect, type Database } from '../../db/shared/connection.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { connectClient } from '../../workers/temporal-connection.ts';
import type { Prepare } from '../case.ts';
import { startProcess } from './background-process.ts';
import { fireBareTimers, untilAll, untilDue, type DueTogether } from './bare-timers.ts';
import { benchConfig, type Place } from './config.ts';
import { latenessOf } from './power-firing.ts';
import { openProjects, type ProjectFleet } from './project-fleet.ts';

export interface ProjectExpiryInput extends Place {
  workflowBundle: string;
  fleet: ProjectFleet;
  /** Open projects, the template among them. */
  projects: number;
  /** How many of them end together. */
  due: number;
}

/** What the case answers with. */
export interface ProjectExpiryOutput {
  /** Bare timers before and after the projects. */
  before: DueTogether;
  product: DueTogether;
  after: DueTogether;
  /** When each project's mail had ended, in milliseconds after the due instant. */
  mailsMs: number;
  /** What opening one project took, in milliseconds: row, wake-up, workflow, first look, timer. */
  openingMs: number;
  left: ExpiryLeft;
}

export interface ExpiryLeft {
  inBuffer: number;
  /** Of those in the buffer: with exactly one entry of it in the ledger, and one mail to their manager. */
  recordedOnce: number;
  mailedOnce: number;
  /** Active, and as they were written. */
  untouched: number;
  ledgerEntries: number;
  mails: number;
}

interface Site {
  db: Database;
  client: Client;
}

const OPEN = `WorkflowType = 'project' AND OrreryStatus = 'active'`;
const LOOK_MS = 500;
/** Beside other work, ten thousand took more than nine minutes to open. */
const PATIENCE_MS = 1_500_000;
/** Beside what opening is expected to take. */
const SPARE_MS = 15_000;
const SPARE_SHARE = 1.6;

/**
 * Projects that end together, among others that do not: opened by relay and workers in a process of their own.
 * Those that end are neither the first nor the last to be opened, so no worker has their workflows at hand.
 */
export const prepare: Prepare<ProjectExpiryInput> = async (input) => {
  const config = benchConfig(input);
  const { projects, due, fleet } = input;
  const db = connect(config.databaseUrl, { poolMax: 2, applicationName: 'orrery-bench' });
  const { client, connection } = await connectClient(config);
  const workers = await startProcess('workers-process.ts', input);
  const timers = await startProcess('bare-timers-process.ts', input);
  const site = { db, client };
  const first = projects - 2 * due;
  const began = Date.now();
  await openProjects(db, fleet, { from: 1, to: first - 1 });
  await untilOpen(client, first);
  const openingMs = (Date.now() - began) / first;
  const leadMs = (count: number): number => SPARE_MS + count * openingMs * SPARE_SHARE;
  // A bare timer is started in less than half the time.
  const bareLeadMs = leadMs(due / 2);
  let output: Omit<ProjectExpiryOutput, 'left'>;
  return {
    async run() {
      const before = await fireBareTimers(site, due, bareLeadMs);
      const expired = await expire(site, input, { from: first, dueAt: Date.now() + leadMs(2 * due) });
      const after = await fireBareTimers(site, due, bareLeadMs);
      output = { before, ...expired, after, openingMs };
    },
    async finish() {
      const left = await readLeft(db);
      await Promise.all([workers.stop(), timers.stop()]);
      await connection.close();
      await db.destroy();
      return { ...output, left };
    },
  };
};

/** Opens those that end and as many that do not, and waits for the end. Nobody asks Temporal from then on. */
async function expire({ db, client }: Site, { fleet, projects, due }: ProjectExpiryInput, { from, dueAt }: { from: number; dueAt: number }): Promise<{ product: DueTogether; mailsMs: number }> {
  await openProjects(db, fleet, { from, to: from + due - 1, endsAt: toInstant(dueAt) });
  await openProjects(db, fleet, { from: from + due, to: projects - 1 });
  await untilOpen(client, projects);
  await db.raw('analyze projects, project_members');
  await untilDue(dueAt, 'opening the projects');
  const inBuffer = db('projects').where('state', 'buffer');
  const allMs = await untilAll(() => countOf(inBuffer), due, dueAt);
  const mailsMs = await untilAll(() => countOf(db('mails').whereNotNull('ended_at')), due, dueAt);
  const at = await inBuffer.clone().pluck<string[]>('buffer_entered_at');
  return { product: { rows: latenessOf(at.map((one) => Date.parse(one)), dueAt), allMs }, mailsMs };
}

async function countOf(rows: ReturnType<Database>): Promise<number> {
  const [row] = (await rows.clone().count('* as count')) as unknown as { count: number }[];
  return row?.count ?? 0;
}

/** Their workflows have looked at their rows and wait for their timers. */
async function untilOpen(client: Client, count: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const open = (await client.workflow.count(OPEN)).count;
    if (open >= count) return;
    if (Date.now() > deadline) throw new Error(`only ${open} of ${count} projects are open after ${PATIENCE_MS / 1000} s`);
    await delay(LOOK_MS);
  }
}

const LEFT = `
  with told as (
    select p.id, p.state, p.version,
      (select count(*) from ledger l where l.subject = p.id and l.action = 'projects.expire') as entries,
      (select count(*) from mails m where m.user_id = (select user_id from project_members where project_id = p.id and role = 'manager')
        and m.subject = p.name || ' (' || p.code || ') has expired') as mails
    from projects p
  )
  select count(*) filter (where state = 'buffer') as "inBuffer",
    count(*) filter (where state = 'buffer' and entries = 1) as "recordedOnce",
    count(*) filter (where state = 'buffer' and mails = 1) as "mailedOnce",
    count(*) filter (where state = 'active' and entries = 0 and mails = 0 and version = (select min(version) from projects)) as untouched,
    (select count(*) from ledger where action = 'projects.expire') as "ledgerEntries",
    (select count(*) from mails) as mails
  from told`;

async function readLeft(db: Database): Promise<ExpiryLeft> {
  await db.raw('create index on ledger (subject); create index on mails (subject); analyze ledger, mails');
  const { rows } = await db.raw<{ rows: [ExpiryLeft] }>(LEFT);
  return rows[0];
}
