import type { Instant } from '../../domain/shared/time.ts';
import type { Sealed } from '../../domain/shared/vault.ts';
import type { Database, Transaction } from '../shared/connection.ts';

interface Row {
  calendar_id: string;
  organization_id: string;
  sealed: Uint8Array;
  key_id: string;
}

/** Puts a calendar's sealed key in place of the old one. Its vault context is the calendar's id. */
export async function saveCalendarKey(tx: Transaction, organizationId: string, calendarId: string, sealed: Sealed, at: Instant): Promise<void> {
  await tx('calendar_credentials')
    .insert({ calendar_id: calendarId, organization_id: organizationId, sealed: Buffer.from(sealed.bytes), key_id: sealed.keyId, updated_at: at })
    .onConflict('calendar_id')
    .merge();
}

export async function readCalendarKey(db: Database | Transaction, organizationId: string, calendarId: string): Promise<Sealed | null> {
  const row = await db('calendar_credentials').where({ organization_id: organizationId, calendar_id: calendarId }).first<Row | undefined>();
  return row === undefined ? null : { bytes: row.sealed, keyId: row.key_id };
}

/** Locks up to `limit` keys that are sealed under another master key than `keyId`. */
export async function lockCalendarKeysOfOtherKeys(tx: Transaction, keyId: string, limit: number): Promise<{ organizationId: string; calendarId: string; sealed: Sealed }[]> {
  const rows = await tx('calendar_credentials').whereNot('key_id', keyId).orderBy('calendar_id').limit(limit).forUpdate().select<Row[]>('*');
  return rows.map((row) => ({ organizationId: row.organization_id, calendarId: row.calendar_id, sealed: { bytes: row.sealed, keyId: row.key_id } }));
}
