import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxDecision } from '../../domain/sandbox/call.ts';
import type { SandboxFault } from '../../domain/sandbox/fault.ts';
import type { SandboxInstance } from '../../domain/sandbox/instance.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { toCourse, toLogRow } from './rows.ts';

const COURSE = `state text, state_reason text, state_since timestamptz, next_at timestamptz, next_state text, next_reason text,
  next_failure text, failure text, operation text, start_key text, stop_key text, launched_at timestamptz`;
const COURSE_COLUMNS = COURSE.split(',').map((column) => column.trim().split(' ')[0] as string);

const LOG = `at timestamptz, via text, action text, region_id text, instance_id text, instance_name text, batch integer,
  request_key text, outcome text, changed boolean, detail text`;
const LOG_COLUMNS = LOG.split(',').map((column) => column.trim().split(' ')[0] as string).join(', ');

/** One statement for any number of instances and lines. */
const WRITE = `
  with moved as (
    update sandbox_instances i set ${COURSE_COLUMNS.map((column) => `${column} = c.${column}`).join(', ')}, version = i.version + 1
    from jsonb_to_recordset(?::jsonb) as c (id text, version integer, ${COURSE})
    -- The ids once more, so that it goes by the index whatever the planner believes of the record set.
    where i.id = any(?) and i.id = c.id and i.organization_id = ? and i.account_id = ? and i.version = c.version
  )
  insert into sandbox_calls (organization_id, account_id, ${LOG_COLUMNS})
  select ?, ?, ${LOG_COLUMNS} from jsonb_to_recordset(?::jsonb) as l (${LOG})`;

/**
 * Writes what a call decided. An instance that is not any more as it was read keeps what somebody else
 * made of it: that happens to looks only, which do not lock.
 */
export async function writeDecision(
  db: Database | Transaction,
  { organizationId, accountId }: SandboxAccountKey,
  decision: Pick<SandboxDecision, 'changed' | 'faults' | 'log'>,
): Promise<void> {
  const { changed, faults, log } = decision;
  if (changed.length > 0 || log.length > 0) {
    const bindings = [coursesOf(changed), changed.map(({ id }) => id), organizationId, accountId, organizationId, accountId, JSON.stringify(log.map(toLogRow))];
    await db.raw(WRITE, bindings);
  }
  if (faults.length > 0) await saveFaultCounts(db, faults);
}

function coursesOf(instances: readonly SandboxInstance[]): string {
  return JSON.stringify(instances.map((instance) => ({ id: instance.id, version: instance.version, ...toCourse(instance) })));
}

async function saveFaultCounts(db: Database | Transaction, faults: readonly SandboxFault[]): Promise<void> {
  const counts = faults.map(({ id, remaining, met, struck }) => ({ id, remaining, met, struck }));
  await db.raw(
    `update sandbox_faults f set remaining = c.remaining, met = c.met, struck = c.struck
     from jsonb_to_recordset(?::jsonb) as c (id text, remaining integer, met integer, struck integer) where f.id = c.id`,
    [JSON.stringify(counts)],
  );
}
