import type { SandboxAccountKey } from '../../domain/sandbox/account.ts';
import type { SandboxLogEntry } from '../../domain/sandbox/call.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { columnsOf } from './account-store.ts';
import { toLogEntry, type Row } from './rows.ts';

/** A line of the log with its place in it. */
export type LoggedCall = SandboxLogEntry & { number: number };

export interface CallFilter {
  action?: string | undefined;
  via?: string | undefined;
  instance_id?: string | undefined;
  outcome?: string | undefined;
  /** Only lines that set an instance on another course, or only the others. */
  changed?: boolean | undefined;
  since?: Instant | undefined;
  until?: Instant | undefined;
}

/** Calls of an account, newest first. */
export async function listCalls(
  db: Database,
  key: SandboxAccountKey,
  filter: CallFilter,
  page: { limit: number; before: number | null },
): Promise<{ rows: LoggedCall[]; total: number }> {
  const matching = db('sandbox_calls').where(columnsOf(key));
  for (const column of ['action', 'via', 'instance_id', 'outcome', 'changed'] as const) {
    const value = filter[column];
    if (value !== undefined) void matching.where(column, value);
  }
  if (filter.since !== undefined) void matching.where('at', '>=', filter.since);
  if (filter.until !== undefined) void matching.where('at', '<', filter.until);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.where('number', '<', page.before);
  const rows = await matching.orderBy('number', 'desc').limit(page.limit).select<Row[]>('*');
  return { rows: rows.map((row) => ({ ...toLogEntry(row), number: row.number as number })), total: counted?.count ?? 0 };
}

/** Empties an account's log; answers how many lines it had. */
export async function clearCalls(tx: Transaction, key: SandboxAccountKey): Promise<number> {
  return await tx('sandbox_calls').where(columnsOf(key)).delete();
}
