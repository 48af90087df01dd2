import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demonstrateApplications } from '../../commands/projects/application-demonstration.ts';
import { seedSandbox } from '../../commands/sandbox/seed-sandbox.ts';
import { connect, type Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { DEFAULT_SANDBOX_CALENDAR } from '../../domain/calendar/sandbox-calendar.ts';
import { DEFAULT_SANDBOX_ACCOUNT } from '../../domain/sandbox/account.ts';
import { system } from '../../domain/shared/entity.ts';
import { plusDays, type CalendarDate } from '../../domain/shared/time.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { demonstrationBill } from '../bill-generator/demonstration.ts';
import type { ApiClient, DataSource } from '../cli/api-client.ts';
import { DEMONSTRATION } from '../cli/context.ts';
import { describeProgress, followOperation } from '../cli/follow.ts';
import { ensureDataSource } from '../cli/import.ts';
import { step } from './steps.ts';

const SANDBOX = 'Demonstration sandbox';
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];

/** What the demonstration's schedule is made of. */
export const OFFICE_HOURS = {
  name: 'Office hours',
  description: 'Machines that nobody needs at night or on weekends.',
  time_zone: 'Europe/Berlin',
  triggers: [
    { time: '08:00', days: WEEKDAYS, action: 'power_on' },
    { time: '19:00', days: WEEKDAYS, action: 'power_off' },
  ],
  tag_selector: { Hours: 'office' },
  apply_now: true,
};

/**
 * Completes the organization for looking around, if it is there: a bill, a sandbox with machines, a schedule for
 * some of them, and an application that waits for a decision. Each is made once, also in a data directory of an
 * earlier version that has not had it; what people changed or deleted since stays as they left it. Each step looks
 * for what an interrupted earlier attempt left. Answers whether the organization is there.
 */
export async function ensureDemonstration(client: ApiClient, databaseUrl: string, dataDirectory: string, today: CalendarDate): Promise<boolean> {
  const organization = (await client.listOrganizations()).find(({ name }) => name === DEMONSTRATION);
  if (organization === undefined) return false;
  const place = { organizationId: organization.id, directory: join(dataDirectory, 'demonstration') };
  await once(`${place.directory}.imported`, () => importBill(client, place, plusDays(today, -1)));
  await once(`${place.directory}.sandbox`, () => step('Demonstration sandbox', () => fillSandbox(client, databaseUrl, place)));
  await once(`${place.directory}.calendar`, () => step('Demonstration calendar', () => connectCalendar(client, place)));
  await once(`${place.directory}.applications`, () => step('Demonstration application', () => inDatabase(databaseUrl, (db) => waitForDecision(db, place))));
  return true;
}

interface Place {
  organizationId: string;
  directory: string;
}

/** Does it unless the mark says that it is done, and makes the mark. */
async function once(mark: string, work: () => Promise<void>): Promise<void> {
  if (existsSync(mark)) return;
  await work();
  writeFileSync(mark, '');
}

async function importBill(client: ApiClient, { organizationId, directory }: Place, lastDay: CalendarDate): Promise<void> {
  await step('Demonstration bill', () =>
    once(`${directory}.written`, async () => {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true });
      await demonstrationBill(directory, lastDay);
    }),
  );
  await step('Demonstration import', async (say) => {
    const { source } = await ensureDataSource(client, organizationId, { scheme: 'directory', path: directory }, { name: 'Demonstration bill' }, {});
    const operation = await client.startImport(source.id, []);
    const { result } = await followOperation(client, operation, (current) => say(describeProgress(current)));
    if (result?.import_id !== undefined) say((await client.getImport(result.import_id)).months.map(({ month, state }) => `${month} ${state}`).join(', '));
  });
}

/** Machines first, so that the discovery which connecting begins finds them. */
async function fillSandbox(client: ApiClient, databaseUrl: string, { organizationId }: Place): Promise<void> {
  const key = { organizationId, accountId: DEFAULT_SANDBOX_ACCOUNT };
  await inDatabase(databaseUrl, (db) => inTransaction(db, (tx) => seedSandbox(tx, key, { at: systemClock.now(), by: system('demonstration') })));
  const known = (await client.listDataSources(organizationId)).find(({ cloud, account_id: account }) => cloud === 'sandbox' && account === DEFAULT_SANDBOX_ACCOUNT);
  const source = known ?? (await connectSandbox(client, organizationId));
  await followOperation(client, await client.startDiscovery(source.id), () => {});
  const schedules = await client.listSchedules(organizationId);
  if (!schedules.some(({ name }) => name === OFFICE_HOURS.name)) await client.createSchedule(organizationId, OFFICE_HOURS);
}

/** What is booked appears in it. */
async function connectCalendar(client: ApiClient, { organizationId }: Place): Promise<void> {
  const known = await client.listCalendars(organizationId);
  if (known.length === 0) await client.connectSandboxCalendar(organizationId, DEFAULT_SANDBOX_CALENDAR);
}

async function connectSandbox(client: ApiClient, organizationId: string): Promise<DataSource> {
  const connected = await client.connectSandbox(organizationId, { name: SANDBOX, account: DEFAULT_SANDBOX_ACCOUNT });
  if ('dataSource' in connected) return connected.dataSource;
  const { subject_id: id } = await followOperation(client, connected.operation, () => {});
  return await client.getDataSource(id);
}

/** One application, for who has never had any: a process that died before its mark was made leaves one, and a second start no second one. */
async function waitForDecision(db: Database, { organizationId }: Place): Promise<void> {
  await inTransaction(db, async (tx) => {
    const known = await tx('applications').where('organization_id', organizationId).first('id');
    if (known === undefined) await demonstrateApplications(tx, organizationId, { at: systemClock.now(), by: system('demonstration') });
  });
}

async function inDatabase<T>(databaseUrl: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-start' });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
