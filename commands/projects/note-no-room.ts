import type { Transaction } from '../../db/shared/connection.ts';
import { noteNoRoom, type Application } from '../../domain/projects/application.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { CalendarDate } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { applicationEntity } from './application-entity.ts';

/**
 * Writes on an application that its approval was refused for want of room, with the first date that would fit, and mails
 * the applicant once for each date; after any other refusal, or with the same date again, nothing. An approval that is refused
 * takes everything back that it wrote, so this is a transaction after it: whoever dies between is asked again.
 */
export async function noteRefusal(tx: Transaction, ref: EntityRef, refusal: unknown, decision: Decision): Promise<Application | null> {
  if (!(refusal instanceof DomainError) || refusal.code !== 'quotas.no-room') return null;
  const date = refusal.details.first_fit_date;
  const firstFitDate: CalendarDate | null = typeof date === 'string' ? date : null;
  return await decide(tx, applicationEntity, ref, decision, (application, at) => noteNoRoom(application, firstFitDate, at));
}
