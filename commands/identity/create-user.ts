import { recordLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { User } from '../../domain/identity/user.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { newId } from '../shared/new-id.ts';

export interface CreateUser {
  email: string;
  displayName: string;
  passwordHash: string | null;
  platformAdministrator: boolean;
}

/** Makes an account. An address belongs to one account, without case: `identity.email-taken`. */
export async function createUser(tx: Transaction, request: CreateUser, decision: { at: Instant; by: Actor }): Promise<User> {
  const { at, by } = decision;
  const user: User = { id: newId('user'), ...request, disabledAt: null, version: 1, createdAt: at, lastAt: at };
  if (!(await insertUser(tx, user))) {
    throw new DomainError({
      kind: 'conflict',
      code: 'identity.email-taken',
      message: `${request.email} belongs to an account already.`,
      fields: [{ field: 'email', problem: 'belongs to an account already' }],
    });
  }
  await recordLedgerEntry(tx, {
    id: newId('ledger-entry'),
    organizationId: null,
    at,
    subject: user.id,
    action: 'identity.create-user',
    by,
    before: null,
    after: { email: user.email, display_name: user.displayName, platform_administrator: user.platformAdministrator },
  });
  return user;
}
