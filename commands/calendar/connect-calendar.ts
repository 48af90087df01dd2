import { calendarOf } from '../../db/calendar/calendar-store.ts';
import { saveCalendarKey } from '../../db/calendar/credentials-store.ts';
import { wantMissing } from '../../db/calendar/event-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { alreadyConnected, newCalendar, reconnectCalendar } from '../../domain/calendar/calendar.ts';
import type { CalendarWish } from '../../domain/calendar/calendar-wish.ts';
import type { CredentialCheck } from '../../domain/data-sources/credential-check.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Sealed, Vault } from '../../domain/shared/vault.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { beginCheck, endCheck } from '../data-sources/connect-data-source.ts';
import { createEntity, decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { calendarEntity } from './calendar-entity.ts';

export interface ConnectCalendar {
  organizationId: string;
  wish: CalendarWish;
  /** The service account's key as JSON text; null where the provider asks for none. */
  secret: string | null;
  /** The calendar that gets another key, or null to connect one. */
  calendarId: string | null;
  at: Instant;
  by: Actor;
}

/**
 * Seals the key and starts its check by a probe event. Nothing else is saved until the calendar has taken it.
 * Throws `calendar.already-connected` when the organization has a calendar.
 */
export async function beginCalendar(tx: Transaction, vault: Vault, request: ConnectCalendar): Promise<CredentialCheck> {
  const { organizationId, wish, secret, at, by } = request;
  const there = await calendarOf(tx, organizationId);
  if (request.calendarId === null && there !== null) throw alreadyConnected(there);
  const purpose = request.calendarId === null ? 'connect' : 'update';
  const subjectId = request.calendarId ?? newId('calendar');
  return await beginCheck(tx, vault, { organizationId, subjectId, purpose, operationKind: `${purpose}-calendar`, wish, secret, at, by });
}

/**
 * The probe succeeded: in one transaction the calendar appears, or takes its new key, every booking under way
 * or to come gets its event's row, and the pending secret is purged.
 */
export async function completeCalendar(tx: Transaction, ref: EntityRef, sealed: Sealed | null, decision: Decision): Promise<void> {
  const check = await endCheck(tx, ref, decision);
  if (check === null) return;
  const { request, organizationId, actor: by } = check;
  if (request.subject !== 'calendar') throw new Error(`${check.id} is no check of a calendar`);
  const { at } = decision;
  const calendarRef = { organizationId, id: check.dataSourceId };
  if (check.purpose === 'update') {
    await decide(tx, calendarEntity, calendarRef, { at, by }, (calendar, now) => reconnectCalendar(calendar, request.account, now));
  } else {
    const { provider, calendarId, account, twoWay } = request;
    await createEntity(tx, calendarEntity, newCalendar({ ...calendarRef, provider, calendarId, account, twoWay, createdBy: by }, at), 'calendar.connect', { at, by });
    await wantMissing(tx, calendarRef, at);
  }
  if (sealed !== null) await saveCalendarKey(tx, organizationId, check.dataSourceId, sealed, at);
}

/** What a failed write of the new calendar means to the person who asked. */
export async function calendarRefusal(db: Database, organizationId: string, error: unknown): Promise<ErrorRecord> {
  if (violatedConstraint(error) !== 'calendars_one_an_organization') return toErrorRecord(error);
  const there = await calendarOf(db, organizationId);
  return toErrorRecord(there === null ? error : alreadyConnected(there));
}
