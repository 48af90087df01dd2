import { shareLock } from '../../db/projects/project-lists.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { laterOf } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { endBookingsOfProject, type EndedPortion } from '../bookings/port.ts';
import type { Decision } from '../shared/entity-commands.ts';

/**
 * Ends the next portion of the bookings that a buffer found too many to end on entering it. A project that has left that buffer
 * meanwhile keeps the bookings that are left. Locks the project against leaving it, then environments.
 */
export async function endBookingsLeft(tx: Transaction, { organizationId, id }: EntityRef, bufferNumber: number, { at, by }: Decision): Promise<EndedPortion> {
  const project = await shareLock(tx, organizationId, id);
  if (project?.state !== 'buffer' || project.bufferNumber !== bufferNumber) return { ended: [], left: false };
  return await endBookingsOfProject(tx, organizationId, id, { at: laterOf(at, project.bufferEnteredAt), by });
}
