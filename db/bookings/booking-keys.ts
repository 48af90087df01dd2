import { invalidField } from '../../domain/shared/errors.ts';
import type { Transaction } from '../shared/connection.ts';
import { prepared } from '../shared/prepared.ts';

export interface BookingKey {
  id: string;
  publicKey: string;
}

/**
 * The SSH key that a booking carries: the one named, which must be the holder's, else the holder's
 * default, else none. Who books for a colleague cannot choose among the colleague's keys.
 */
export async function keyForBooking(
  tx: Transaction,
  wish: { holderUserId: string; keyId: string | null; forColleague: boolean },
): Promise<BookingKey | null> {
  if (wish.keyId !== null && wish.forColleague) {
    throw invalidField('bookings.colleagues-key', 'ssh_key_id', 'cannot be chosen for a colleague; leave it out to use their default key');
  }
  const keys = tx('ssh_keys').where('user_id', wish.holderUserId);
  const wished = wish.keyId === null ? keys.where('is_default', true) : keys.where('id', wish.keyId);
  const row = await prepared(wished.first<{ id: string; public_key: string } | undefined>('id', 'public_key'));
  if (row === undefined && wish.keyId !== null) throw invalidField('bookings.not-holders-key', 'ssh_key_id', `${wish.keyId} is no SSH key of the holder`);
  return row === undefined ? null : { id: row.id, publicKey: row.public_key };
}
