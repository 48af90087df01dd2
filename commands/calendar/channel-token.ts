import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIdOf } from '../../domain/shared/ids.ts';
import type { EntityRef } from '../../workflows/messages.ts';

/**
 * What a provider sends along with each notification: which calendar it is about, and a proof that we said so.
 * At most 256 characters, as Google asks.
 */
export function channelToken(secret: Uint8Array, { organizationId, id }: EntityRef): string {
  return `${organizationId}.${id}.${proofOf(secret, organizationId, id).toString('base64url')}`;
}

/** Whom a token is about, compared in constant time; null for one that is not ours. */
export function readChannelToken(secret: Uint8Array, token: string): EntityRef | null {
  const [organizationId = '', id = '', proof = ''] = token.split('.');
  if (!isIdOf('organization', organizationId) || !isIdOf('calendar', id)) return null;
  const given = Buffer.from(proof, 'base64url');
  const expected = proofOf(secret, organizationId, id);
  return given.length === expected.length && timingSafeEqual(given, expected) ? { organizationId, id } : null;
}

function proofOf(secret: Uint8Array, organizationId: string, id: string): Buffer {
  return createHmac('sha256', secret).update(`calendar-channel/${organizationId}/${id}`).digest();
}
