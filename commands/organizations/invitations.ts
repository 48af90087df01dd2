import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { findVerifiedMailbox, listMailboxes, saveMailbox } from '../../db/identity/mailbox-store.ts';
import { findUserByEmail, lockUser } from '../../db/identity/user-store.ts';
import { findInvitationByToken, insertInvitation, lockInvitation, lockPendingInvitation, saveInvitation } from '../../db/organizations/invitation-store.ts';
import { findMembershipRole, insertMembership } from '../../db/organizations/membership-store.ts';
import { getOrganization } from '../../db/organizations/organization-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { User } from '../../domain/identity/user.ts';
import { SECRET_PLACE } from '../../domain/notifications/mail.ts';
import { accepted, expired, INVITATION_MS, invitationIsVoid, revoked, sentAgain, stateAt, type Invitation } from '../../domain/organizations/invitation.ts';
import type { OrganizationRole } from '../../domain/organizations/role.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { laterOf, plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import { createUser, ofOneAccount } from '../identity/create-user.ts';
import { letterLink, type LetterDesk } from '../identity/letters.ts';
import { passActivation } from '../identity/port.ts';
import { hashSecret, newLinkSecret } from '../identity/secrets.ts';
import { writeLetter } from '../notifications/port.ts';
import { newId } from '../shared/new-id.ts';
import { lockMembers } from './lock-members.ts';

interface Decision {
  at: Instant;
  by: Actor;
}

interface Ref {
  organizationId: string;
  id: string;
}

function conflict(code: string, message: string, details?: Record<string, unknown>): DomainError {
  return new DomainError({ kind: 'conflict', code, message, ...(details !== undefined && { details }) });
}

/** Invites whoever reads an address. Refuses a member, `organizations.already-member`, and one who is invited: `organizations.already-invited`. */
export async function invite(
  tx: Transaction,
  desk: LetterDesk,
  request: { organizationId: string; address: string; role: OrganizationRole; invitedBy: string },
  { at, by }: Decision,
): Promise<Invitation> {
  const { organizationId, address } = request;
  await lockMembers(tx, organizationId);
  const member = (await findVerifiedMailbox(tx, address))?.userId ?? (await findUserByEmail(tx, address))?.id;
  if (member !== undefined && (await findMembershipRole(tx, organizationId, member)) !== null) {
    throw conflict('organizations.already-member', `${address} belongs to a member already; change the role instead.`, { user_id: member });
  }
  const open = await lockPendingInvitation(tx, organizationId, address);
  if (open !== null && stateAt(open, at) === 'pending') {
    throw conflict('organizations.already-invited', `${address} is invited already; send the letter again, or revoke it first.`, { invitation_id: open.id });
  }
  if (open !== null) await write(tx, open, expired(open, at), 'expire-invitation', { at, by });
  const invitation: Invitation = {
    id: newId('invitation'),
    ...request,
    state: 'pending',
    letters: 1,
    expiresAt: plusMilliseconds(at, INVITATION_MS),
    acceptedBy: null,
    endedAt: null,
    version: 1,
    createdAt: at,
    lastAt: at,
  };
  const secret = newLinkSecret();
  await insertInvitation(tx, invitation, hashSecret(secret));
  await record(tx, null, invitation, 'invite', { at, by });
  await send(tx, desk, invitation, secret, { at, by });
  return invitation;
}

/** Sends the letter again, with a new link that serves seven days; the old one is void. The caller counts letters beforehand. */
export async function resendInvitation(tx: Transaction, desk: LetterDesk, ref: Ref, decision: Decision): Promise<Invitation> {
  const { invitation, at } = await locked(tx, ref, decision);
  const other = await lockPendingInvitation(tx, ref.organizationId, invitation.address);
  if (other !== null && other.id !== invitation.id) {
    throw conflict('organizations.already-invited', `${invitation.address} was invited anew meanwhile; send that letter again.`, { invitation_id: other.id });
  }
  const secret = newLinkSecret();
  const after = await write(tx, invitation, sentAgain(invitation, at), 'resend-invitation', { ...decision, at }, hashSecret(secret));
  await send(tx, desk, after, secret, { ...decision, at });
  return after;
}

/** Takes an invitation back: its link is void from here on. */
export async function revokeInvitation(tx: Transaction, ref: Ref, decision: Decision): Promise<Invitation> {
  const { invitation, at } = await locked(tx, ref, decision);
  const after = revoked(invitation, at);
  return after === invitation ? invitation : await write(tx, invitation, after, 'revoke-invitation', { ...decision, at });
}

/** Who accepts: somebody signed in, or somebody new with a name and the hash of a password. */
export type Accepting = { userId: string } | { displayName: string; passwordHash: string };

/**
 * Makes whoever read the letter a member, once: a new account with this verified address, or the signed-in one that has it. Of
 * two who accept at once the second finds the link void.
 */
export async function acceptInvitation(
  tx: Transaction,
  request: { secret: string; accepting: Accepting },
  decision: { at: Instant; requestId: string },
): Promise<{ invitation: Invitation; user: User; role: OrganizationRole }> {
  const tokenHash = hashSecret(request.secret);
  const found = await findInvitationByToken(tx, tokenHash);
  if (found === null) throw invitationIsVoid();
  await lockMembers(tx, found.organizationId);
  const invitation = await lockInvitation(tx, found.organizationId, found.id);
  // Accepted, revoked or sent again while we waited for the lock.
  if (invitation === null || stateAt(invitation, decision.at) !== 'pending' || (await findInvitationByToken(tx, tokenHash)) === null) throw invitationIsVoid();
  const { accepting } = request;
  const user = 'userId' in accepting ? await joining(tx, accepting.userId, invitation, decision) : await newcomer(tx, accepting, invitation, decision);
  const by: Actor = { kind: 'person', id: user.id, name: user.displayName, requestId: decision.requestId };
  const at = laterOf(decision.at, invitation.lastAt);
  const { organizationId, role } = invitation;
  const isNew = await insertMembership(tx, { organizationId, userId: user.id, role, version: 1, createdAt: at });
  if (isNew) {
    const entry = { id: newId('ledger-entry'), organizationId, at, subject: user.id, action: 'organizations.add-member', by };
    await recordLedgerEntry(tx, { ...entry, before: null, after: { role, invitation_id: invitation.id } });
  }
  const after = await write(tx, invitation, accepted(invitation, user.id, at), 'accept-invitation', { at, by });
  const held = (await findMembershipRole(tx, organizationId, user.id)) ?? role;
  return { invitation: after, user: await passActivation(tx, user.id, { at, by }), role: held };
}

/** The letter proves the mailbox: one of the account's that nobody had verified yet is verified by it. */
async function joining(tx: Transaction, userId: string, { address }: Invitation, { at }: { at: Instant }): Promise<User> {
  const user = await lockUser(tx, userId);
  if (user === null) throw notFound('user', userId);
  const mailbox = (await listMailboxes(tx, userId)).find((one) => one.address.toLowerCase() === address.toLowerCase());
  const owner = await findVerifiedMailbox(tx, address);
  if (mailbox === undefined || (owner !== null && owner.userId !== userId)) {
    throw new DomainError({
      kind: 'not-allowed',
      code: 'organizations.invitation-for-another',
      message: `This invitation went to ${address}, which is no address of the account you are signed in to. Sign in to the one it belongs to, add the address to this one first, or log out and accept with a new account.`,
    });
  }
  const verified = { ...mailbox, verifiedAt: at, version: mailbox.version + 1, lastAt: laterOf(at, mailbox.lastAt) };
  if (mailbox.verifiedAt === null) await ofOneAccount(address, () => saveMailbox(tx, verified));
  return user;
}

async function newcomer(tx: Transaction, accepting: { displayName: string; passwordHash: string }, { address }: Invitation, { at, requestId }: { at: Instant; requestId: string }): Promise<User> {
  if ((await findVerifiedMailbox(tx, address)) !== null || (await findUserByEmail(tx, address)) !== null) {
    throw conflict('organizations.log-in-first', `An account has the address ${address}: log in to it, and accept then.`);
  }
  const by: Actor = { kind: 'system', id: null, name: 'an accepted invitation', requestId };
  return await createUser(tx, { ...accepting, email: address, platformAdministrator: false, emailVerified: true }, { at, by });
}

async function locked(tx: Transaction, { organizationId, id }: Ref, decision: Decision): Promise<{ invitation: Invitation; at: Instant }> {
  await lockMembers(tx, organizationId);
  const invitation = await lockInvitation(tx, organizationId, id);
  if (invitation === null) throw notFound('invitation', id);
  const at = laterOf(decision.at, invitation.lastAt);
  return { invitation, at };
}

async function write(tx: Transaction, before: Invitation, after: Invitation, action: string, decision: Decision, tokenHash: Buffer | null = null): Promise<Invitation> {
  await saveInvitation(tx, after, tokenHash);
  await record(tx, before, after, action, decision);
  return after;
}

async function record(tx: Transaction, before: Invitation | null, after: Invitation, action: string, { at, by }: Decision): Promise<void> {
  const entry = { id: newId('ledger-entry'), organizationId: after.organizationId, at, subject: after.id, action: `organizations.${action}`, by };
  await recordLedgerEntry(tx, { ...entry, before: before === null ? null : forLedger(before), after: forLedger(after) });
}

/** The ledger keeps for ever, so it holds no address. */
function forLedger({ role, state, letters, expiresAt, acceptedBy }: Invitation) {
  return { role, state, letters, expires_at: expiresAt, accepted_by: acceptedBy };
}

async function send(tx: Transaction, desk: LetterDesk, { id, organizationId, address, letters }: Invitation, secret: string, { at, by }: Decision): Promise<void> {
  const name = (await getOrganization(tx, organizationId))?.name ?? '';
  // Names are other people's text: the link's place is ours alone.
  const ours = (text: string): string => text.replaceAll(SECRET_PLACE, '');
  const text = [
    `${ours(by.name)} invites you to ${ours(name)}. To accept, open within seven days:`,
    letterLink(desk, 'invitation'),
    'If you do not know them, do nothing: nobody learns whether you read this.',
  ];
  const subject = `Invitation to ${ours(name)}`;
  await writeLetter(tx, desk.vault, { organizationId, kind: 'invitation', key: `${id}/${letters}`, to: { address }, subject, text: text.join('\n\n'), secret, at });
}
