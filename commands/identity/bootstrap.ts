import { firstPlatformAdministrator } from '../../db/identity/user-store.ts';
import { findMembershipRole } from '../../db/organizations/membership-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system, type Actor } from '../../domain/shared/entity.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Clock, Instant } from '../../domain/shared/time.ts';
import { createOrganization } from '../organizations/create-organization.ts';
import { createToken } from './create-token.ts';
import { createUser } from './create-user.ts';
import { hashPassword } from './passwords.ts';
import { requestActivation } from './port.ts';
import { newInitialPassword } from './secrets.ts';

export const ADMINISTRATOR_EMAIL = 'admin@localhost';
const FIRST_START = system('first start');
// Two processes that start on one empty database make one administrator.
const BOOTSTRAP_LOCK = 4_207_110_001;

export interface Bootstrapped {
  /** False when the database had people before: then there is no secret in here. */
  created: boolean;
  /** API token with every scope, shown once. */
  token?: string;
  /** Password of `admin@localhost`, shown once. */
  password?: string;
  userId: string;
  /** The first organization the administrator made or manages. */
  organizationId: string;
}

/**
 * On an empty database, in one transaction: an activated administrator, an organization (`Demonstration` with
 * the sample, else `Default`) and an administrator's token. On any other database it changes nothing
 * and answers who and where the administrator is. Whoever was killed before keeping the secrets asks
 * `mintAdministratorToken` for new ones.
 */
export async function bootstrapAdministrator(db: Database, clock: Clock, options: { withSample: boolean }): Promise<Bootstrapped> {
  const at = clock.now();
  const password = newInitialPassword();
  const passwordHash = await hashPassword(password);
  return await inTransaction(db, async (tx) => {
    await tx.raw('select pg_advisory_xact_lock(?)', [BOOTSTRAP_LOCK]);
    if ((await tx('users').first('id')) !== undefined) return { created: false, ...(await existing(tx)) };
    const user = await createUser(
      tx,
      { email: ADMINISTRATOR_EMAIL, displayName: 'Administrator', passwordHash, platformAdministrator: true, emailVerified: true },
      { at, by: FIRST_START },
    );
    const by: Actor = { kind: 'person', id: user.id, name: user.displayName };
    const organization = await createOrganization(tx, { name: options.withSample ? 'Demonstration' : 'Default' }, { at, by });
    await requestActivation(tx, user.id, { at, by });
    const token = await mint(tx, user.id, at);
    return { created: true, token, password, userId: user.id, organizationId: organization.id };
  });
}

/** A new administrator's token with every scope, for when the first one was lost. Shown once. */
export async function mintAdministratorToken(db: Database, clock: Clock): Promise<{ token: string; userId: string; organizationId: string }> {
  return await inTransaction(db, async (tx) => {
    const found = await existing(tx);
    return { ...found, token: await mint(tx, found.userId, clock.now()) };
  });
}

async function mint(tx: Transaction, userId: string, at: Instant): Promise<string> {
  const request = { userId, name: 'Administrator, from the start command', scopes: ['admin' as const], organizationId: null, expiresAt: null, parent: null };
  return (await createToken(tx, request, { at, by: FIRST_START })).secret;
}

async function existing(tx: Transaction): Promise<{ userId: string; organizationId: string }> {
  const user = await firstPlatformAdministrator(tx);
  const organizations = (await tx('organizations').orderBy('id').select('id')) as { id: string }[];
  const [first] = organizations;
  if (user === null || first === undefined) {
    throw new DomainError({
      kind: 'conflict',
      code: 'identity.no-administrator',
      message: 'The database holds people but no platform administrator or no organization: enable an administrator’s account, or start on another database.',
    });
  }
  for (const { id } of organizations) {
    if ((await findMembershipRole(tx, id, user.id)) === 'manager') return { userId: user.id, organizationId: id };
  }
  return { userId: user.id, organizationId: first.id };
}
