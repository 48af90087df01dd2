import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COST_COLUMNS, KIND_COLUMNS, RESOURCE_COLUMNS } from '../../domain/billing/period-columns.ts';
import type { PeriodReading } from '../../domain/billing/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Transaction } from '../shared/connection.ts';

/** Costs are NUMERIC without a scale here as in the record: COPY would round to a scale in silence. */
const STAGED_COSTS = `
  create temp table staged_costs (
    resource_number integer not null,
    kind_number integer not null,
    charge_date date not null,
    consumed_quantity numeric not null,
    billed_cost numeric not null,
    effective_cost numeric not null,
    contracted_cost numeric not null,
    list_cost numeric not null
  ) on commit drop`;

const STAGED_KINDS = `
  create temp table staged_kinds (
    kind_number integer primary key,
    charge_category text collate "C" not null,
    charge_class text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    consumed_unit text collate "C" not null,
    billing_currency text collate "C" not null
  ) on commit drop`;

const STAGED_RESOURCES = `
  create temp table staged_resources (
    resource_number integer primary key,
    sub_account_id text collate "C" not null,
    native_id text collate "C" not null,
    is_named_line boolean not null,
    resource_name text collate "C" not null,
    resource_type text collate "C" not null,
    service_name text collate "C" not null,
    region_id text collate "C" not null,
    tags jsonb not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null
  ) on commit drop`;

const STAGED_TOTALS = `
  create temp table staged_totals on commit drop as
  select kind_number, count(*) as cost_rows, min(charge_date) as first_charge_date, max(charge_date) as last_charge_date,
    sum(billed_cost) as billed_cost, sum(effective_cost) as effective_cost, sum(contracted_cost) as contracted_cost,
    sum(list_cost) as list_cost
  from staged_costs group by kind_number`;

/**
 * Copies a reading's three files into temporary tables that live until the transaction ends:
 * `staged_costs`, `staged_kinds` and `staged_resources`; and adds the costs up by kind, as `staged_totals`.
 * Fails with `billing.reconciliation-failed` when a file holds other than the number of rows the
 * reading says, and with PostgreSQL's own error when a value does not have its column's type.
 */
export async function stageReading(tx: Transaction, reading: PeriodReading): Promise<void> {
  // Hash tables of a large bill's merge stay in memory. Its joins are of whole tables, whose sizes matter and whose
  // histograms do not, so that a sample of 3,000 rows serves as well as one of 30,000, in a tenth of the time. All
  // settings end with the transaction.
  await tx.raw(`set local work_mem = '128MB'; set local jit = off; set local default_statistics_target = 10;
    ${STAGED_COSTS}; ${STAGED_KINDS}; ${STAGED_RESOURCES}`);
  await copyFile(tx, 'staged_kinds', KIND_COLUMNS, reading.kindsPath, reading.kindRows);
  await copyFile(tx, 'staged_resources', RESOURCE_COLUMNS, reading.resourcesPath, reading.resourceRows);
  await copyFile(tx, 'staged_costs', COST_COLUMNS, reading.costsPath, reading.costRows);
  await tx.raw(`analyze staged_kinds; analyze staged_resources (sub_account_id, native_id);
    analyze staged_costs (resource_number, kind_number, charge_date); ${STAGED_TOTALS}`);
}

async function copyFile(
  tx: Transaction,
  table: string,
  columns: readonly string[],
  path: string,
  expectedRows: number,
): Promise<void> {
  // Within a transaction knex hands out the transaction's own connection, and takes nothing back.
  const connection = (await tx.client.acquireConnection()) as Client;
  // A null marker that no CSV writer makes: an empty field is the empty string, quoted or not.
  const copy = copyFrom(`copy ${table} (${columns.join(', ')}) from stdin with (format csv, header match, null '\\N')`);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), connection.query(copy));
  if (copy.rowCount === expectedRows) return;
  throw new DomainError({
    kind: 'invariant',
    code: 'billing.reconciliation-failed',
    message: `The bill was read into ${expectedRows} rows for ${table}, but ${copy.rowCount} arrived. Import the month again.`,
    details: { table, expectedRows, arrivedRows: copy.rowCount },
  });
}
