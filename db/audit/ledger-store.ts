import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';
import { inOrderOfIds } from '../shared/list-order.ts';
import { prepared } from '../shared/prepared.ts';

export interface NewLedgerEntry {
  id: string;
  organizationId: string | null;
  at: Instant;
  /** When time moved the subject: the instant that was due. */
  dueAt?: Instant | null;
  /** Id of what changed. */
  subject: string;
  /** `<domain>.<verb>`, for example `data-sources.pause`. */
  action: string;
  by: Actor;
  before: unknown;
  after: unknown;
  /** `<row id>/<act>/<due instant or row version>`: an entry with the same key is written once. */
  outcomeKey?: string | null;
}

export interface LedgerEntry extends Omit<NewLedgerEntry, 'by' | 'outcomeKey'> {
  actorKind: 'person' | 'system';
  actorId: string | null;
  actorName: string;
  workflowId: string | null;
  requestId: string | null;
}

export interface LedgerFilter {
  subject?: string | undefined;
  actionPrefix?: string | undefined;
  actorId?: string | undefined;
  since?: Instant | undefined;
  until?: Instant | undefined;
}

/** Writes many entries in the caller's transaction, in one statement; those whose outcome key exists are left out. */
export async function recordLedgerEntries(tx: Transaction, entries: readonly NewLedgerEntry[]): Promise<void> {
  if (entries.length > 0) await tx('ledger').insert(entries.map(toRow)).onConflict('outcome_key').ignore();
}

function toRow(entry: NewLedgerEntry): Record<string, unknown> {
  return {
    id: entry.id,
    organization_id: entry.organizationId,
    at: entry.at,
    due_at: entry.dueAt ?? null,
    subject: entry.subject,
    action: entry.action,
    actor_kind: entry.by.kind,
    actor_id: entry.by.id,
    actor_name: entry.by.name,
    before: entry.before === null ? null : JSON.stringify(entry.before),
    after: entry.after === null ? null : JSON.stringify(entry.after),
    workflow_id: entry.by.workflowId ?? null,
    request_id: entry.by.requestId ?? null,
    outcome_key: entry.outcomeKey ?? null,
  };
}

/**
 * Writes one entry in the caller's transaction. Answers false, and writes nothing, when an entry
 * with the same outcome key exists: the act's outcome was recorded before.
 */
export async function recordLedgerEntry(tx: Transaction, entry: NewLedgerEntry): Promise<boolean> {
  const rows = await prepared(tx('ledger').insert(toRow(entry)).onConflict('outcome_key').ignore().returning('id'));
  return rows.length > 0;
}

/** Ids of what took one of these actions as an outcome under `<key>/…`, each once, in their order. */
export async function subjectsRecordedUnder(db: Database, organizationId: string, key: string, actions: readonly string[]): Promise<string[]> {
  return await db('ledger')
    .where('organization_id', organizationId)
    // The next character after the slash: a range that the unique index of the keys answers.
    .whereBetween('outcome_key', [`${key}/`, `${key}0`])
    .whereIn('action', [...actions])
    .distinct('subject')
    .orderBy('subject')
    .pluck<string[]>('subject');
}

/** Entries of one organization, in the order of writing; `after` is the last one of the page before. */
export async function listLedger(
  db: Database,
  organizationId: string,
  filter: LedgerFilter,
  page: { limit: number; descending: boolean; after: string | null },
): Promise<{ items: LedgerEntry[]; total: number }> {
  const matching = db('ledger').where('organization_id', organizationId);
  if (filter.subject !== undefined) void matching.where('subject', filter.subject);
  if (filter.actionPrefix !== undefined) void matching.whereLike('action', `${escapeLike(filter.actionPrefix)}%`);
  if (filter.actorId !== undefined) void matching.where('actor_id', filter.actorId);
  if (filter.since !== undefined) void matching.where('at', '>=', filter.since);
  if (filter.until !== undefined) void matching.where('at', '<', filter.until);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  const rows = matching.clone();
  inOrderOfIds(rows, 'id', page);
  return { items: ((await rows) as Record<string, unknown>[]).map(toEntry), total: counted?.count ?? 0 };
}

function toEntry(row: Record<string, unknown>): LedgerEntry {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string | null,
    at: row.at as Instant,
    dueAt: row.due_at as Instant | null,
    subject: row.subject as string,
    action: row.action as string,
    actorKind: row.actor_kind as LedgerEntry['actorKind'],
    actorId: row.actor_id as string | null,
    actorName: row.actor_name as string,
    before: row.before,
    after: row.after,
    workflowId: row.workflow_id as string | null,
    requestId: row.request_id as string | null,
  };
}
