import { DomainError } from '../shared/errors.ts';
import { plusMilliseconds, type Instant } from '../shared/time.ts';
import type { OrganizationRole } from './role.ts';

export const INVITATION_STATES = ['pending', 'accepted', 'revoked', 'expired'] as const;
export type InvitationState = (typeof INVITATION_STATES)[number];

/** How long the link of an invitation's letter can be used; sending it again begins anew. */
export const INVITATION_MS = 7 * 86_400_000;

/** An organization asks whoever reads an address to become a member. */
export interface Invitation {
  id: string;
  organizationId: string;
  address: string;
  role: OrganizationRole;
  /** As it is stored: ask `stateAt` for what it is. */
  state: InvitationState;
  invitedBy: string;
  /** How many letters went out. */
  letters: number;
  expiresAt: Instant;
  acceptedBy: string | null;
  endedAt: Instant | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

/** The state at an instant: a pending one whose time is up has expired, whether or not anybody has looked. */
export function stateAt({ state, expiresAt }: Pick<Invitation, 'state' | 'expiresAt'>, at: Instant): InvitationState {
  return state === 'pending' && expiresAt <= at ? 'expired' : state;
}

/** The letter goes out again: the link is new, the seven days begin anew, also of one that expired. */
export function sentAgain(invitation: Invitation, at: Instant): Invitation {
  if (!['pending', 'expired'].includes(invitation.state)) throw hasEnded(invitation.state);
  return changed(invitation, { state: 'pending', endedAt: null, letters: invitation.letters + 1, expiresAt: plusMilliseconds(at, INVITATION_MS) }, at);
}

/** Taken back by a manager. Again changes nothing. */
export function revoked(invitation: Invitation, at: Instant): Invitation {
  if (invitation.state === 'revoked') return invitation;
  if (invitation.state === 'accepted') throw hasEnded('accepted');
  return changed(invitation, { state: 'revoked', endedAt: at }, at);
}

/** Its time is up. */
export function expired(invitation: Invitation, at: Instant): Invitation {
  return changed(invitation, { state: 'expired', endedAt: at }, at);
}

/** Somebody has become a member by it. */
export function accepted(invitation: Invitation, userId: string, at: Instant): Invitation {
  return changed(invitation, { state: 'accepted', acceptedBy: userId, endedAt: at }, at);
}

function changed(invitation: Invitation, change: Partial<Invitation>, at: Instant): Invitation {
  return { ...invitation, ...change, version: invitation.version + 1, lastAt: at };
}

function hasEnded(state: InvitationState): DomainError {
  return new DomainError({ kind: 'conflict', code: 'organizations.invitation-ended', message: `This invitation is ${state}; invite anew.`, details: { state } });
}

/** One answer for a link that never was, was used, revoked, replaced or has expired: it tells a stranger nothing. */
export function invitationIsVoid(): DomainError {
  return new DomainError({
    kind: 'invalid-input',
    code: 'organizations.invitation-void',
    message: 'token: is not valid (any more): the invitation was accepted, revoked, sent again, or has expired. Ask for a new one.',
    fields: [{ field: 'token', problem: 'is not valid (any more); ask for a new invitation' }],
  });
}
