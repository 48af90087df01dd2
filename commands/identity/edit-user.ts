import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { revokeSessionsOf } from '../../db/identity/session-store.ts';
import { revokeTokensOf } from '../../db/identity/token-store.ts';
import { lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { User } from '../../domain/identity/user.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

export interface UserEdit {
  displayName?: string | undefined;
  disabled?: boolean | undefined;
  platformAdministrator?: boolean | undefined;
}

/**
 * Renames, disables or enables an account, or changes its rights on the platform. Disabling ends its
 * sessions and tokens for good. Nobody takes rights or account from themselves: `identity.own-account`.
 */
export async function editUser(
  tx: Transaction,
  request: { userId: string; edit: UserEdit },
  decision: { at: Instant; by: Actor; check(version: number): void },
): Promise<User> {
  const before = await lockUser(tx, request.userId);
  if (before === null) throw notFound('user', request.userId);
  decision.check(before.version);
  const at = laterOf(decision.at, before.lastAt);
  const after = edited(before, request.edit, at);
  if (decision.by.id === before.id && (after.disabledAt !== null || !after.platformAdministrator)) {
    throw new DomainError({
      kind: 'conflict',
      code: 'identity.own-account',
      message: 'You cannot disable yourself or give up your own rights; another platform administrator can.',
    });
  }
  if (JSON.stringify(forLedger(before)) === JSON.stringify(forLedger(after))) return before;
  await saveUser(tx, after);
  if (after.disabledAt !== null && before.disabledAt === null) {
    await revokeSessionsOf(tx, after.id, at, null);
    await revokeTokensOf(tx, after.id, at);
  }
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: null,
    at,
    subject: after.id,
    action: 'identity.edit-user',
    by: decision.by,
    before: forLedger(before),
    after: forLedger(after),
  });
  return after;
}

function edited(user: User, { displayName, disabled, platformAdministrator }: UserEdit, at: Instant): User {
  return {
    ...user,
    displayName: displayName ?? user.displayName,
    platformAdministrator: platformAdministrator ?? user.platformAdministrator,
    disabledAt: disabled === undefined ? user.disabledAt : disabled ? (user.disabledAt ?? at) : null,
    version: user.version + 1,
    lastAt: at,
  };
}

function forLedger({ displayName, platformAdministrator, disabledAt }: User) {
  return { display_name: displayName, platform_administrator: platformAdministrator, disabled_at: disabledAt };
}
