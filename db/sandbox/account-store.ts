import { NEW_SANDBOX_ACCOUNT, type SandboxAccount, type SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxFault } from '../../domain/sandbox/fault.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { toFault, type Row } from './rows.ts';

/** What a data source connects: the little that the sandbox's routes ask of it. Null when there is none. */
export async function connectedAccount(
  db: Database | Transaction,
  organizationId: string,
  dataSourceId: string,
): Promise<{ cloud: string; accountId: string } | null> {
  const row = await db('data_sources')
    .where({ organization_id: organizationId, id: dataSourceId })
    .whereNot('state', 'deleted')
    .first<Row>('cloud', 'account_id');
  return row === undefined ? null : { cloud: row.cloud as string, accountId: row.account_id as string };
}

export async function getSandboxAccount(db: Database | Transaction, key: SandboxAccountKey): Promise<SandboxAccount> {
  const row = await db('sandbox_accounts').where(columnsOf(key)).first<Row>();
  return row === undefined ? NEW_SANDBOX_ACCOUNT : toAccount(row);
}

/** The same, locked until the transaction ends; from here on it has a row. */
export async function lockSandboxAccount(tx: Transaction, key: SandboxAccountKey): Promise<SandboxAccount> {
  await tx('sandbox_accounts')
    .insert({ ...columnsOf(key), ...toColumns(NEW_SANDBOX_ACCOUNT) })
    .onConflict(['organization_id', 'account_id'])
    .ignore();
  return toAccount(await tx('sandbox_accounts').where(columnsOf(key)).forUpdate().first<Row>());
}

export async function saveSandboxAccount(tx: Transaction, key: SandboxAccountKey, account: SandboxAccount): Promise<void> {
  await tx('sandbox_accounts').where(columnsOf(key)).update(toColumns(account));
}

/**
 * How an account behaves, in one statement. Faults that can still strike are locked until the transaction
 * ends, so that each strikes as often as it should; an account without any is not locked.
 */
export async function behaviourOf(db: Database | Transaction, key: SandboxAccountKey): Promise<{ account: SandboxAccount; faults: SandboxFault[] }> {
  const result = await db.raw<{ rows: { account: Row | null; faults: Row[] | null }[] }>(
    `select
       (select to_jsonb(a) from sandbox_accounts a where a.organization_id = ? and a.account_id = ?) as account,
       (select jsonb_agg(to_jsonb(f) order by f.id) from (
          select * from sandbox_faults where organization_id = ? and account_id = ? and remaining is distinct from 0 order by id for update
        ) f) as faults`,
    [key.organizationId, key.accountId, key.organizationId, key.accountId],
  );
  const { account, faults } = result.rows[0] as (typeof result.rows)[number];
  return { account: account === null ? NEW_SANDBOX_ACCOUNT : toAccount(account), faults: (faults ?? []).map(toFault) };
}

export function columnsOf(key: SandboxAccountKey): { organization_id: string; account_id: string } {
  return { organization_id: key.organizationId, account_id: key.accountId };
}

function toAccount(row: Row): SandboxAccount {
  return {
    version: row.version as number,
    operations: row.operations as boolean,
    refusesWholeBatches: row.refuses_whole_batches as boolean,
    prices: row.prices as SandboxAccount['prices'],
  };
}

function toColumns(account: SandboxAccount): Row {
  return {
    version: account.version,
    operations: account.operations,
    refuses_whole_batches: account.refusesWholeBatches,
    prices: JSON.stringify(account.prices),
  };
}
