import { NOTICE_KINDS, type NoticeKind } from '../../domain/notifications/mail.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Which kinds a person wants by mail: all but those switched off. */
export async function getSwitches(db: Database | Transaction, userId: string): Promise<Record<NoticeKind, boolean>> {
  const off = await db('notification_switches').where({ user_id: userId, email: false }).pluck<string[]>('kind');
  return Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, !off.includes(kind)])) as Record<NoticeKind, boolean>;
}

/** Sets the kinds that are given; the others stay. */
export async function saveSwitches(tx: Transaction, userId: string, switches: Partial<Record<NoticeKind, boolean>>): Promise<void> {
  const rows = Object.entries(switches).map(([kind, email]) => ({ user_id: userId, kind, email }));
  if (rows.length > 0) await tx('notification_switches').insert(rows).onConflict(['user_id', 'kind']).merge();
}
