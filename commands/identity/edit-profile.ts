import { lockUser, saveUser } from '../../db/identity/user-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { canonicalLanguage, type Profile } from '../../domain/identity/profile.ts';
import type { User } from '../../domain/identity/user.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf } from '../../domain/shared/time.ts';
import { recordAccountStep, type AccountDecision } from './record-account-step.ts';

export type ProfileEdit = { [F in keyof Profile]?: Profile[F] | undefined } & { displayName?: string | undefined };

/** Changes what a person says about themselves; what is not named stays. The same again changes nothing. */
export async function editProfile(tx: Transaction, request: { userId: string; edit: ProfileEdit }, decision: AccountDecision): Promise<User> {
  const before = await lockUser(tx, request.userId);
  if (before === null) throw notFound('user', request.userId);
  decision.check?.(before.version);
  const { displayName = before.displayName, ...edit } = request.edit;
  const given = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined)) as Partial<Profile>;
  const profile: Profile = { ...before.profile, ...given };
  if (profile.language !== null) profile.language = canonicalLanguage(profile.language);
  const changed = (Object.keys(profile) as (keyof Profile)[]).filter((field) => profile[field] !== before.profile[field]);
  if (changed.length === 0 && displayName === before.displayName) return before;
  const at = laterOf(decision.at, before.lastAt);
  const after: User = { ...before, displayName, profile, version: before.version + 1, lastAt: at };
  await saveUser(tx, after);
  // The ledger keeps for ever, so it holds no address and no telephone number: which fields, not what.
  const step = { action: 'edit-profile', subject: after.id, before: { display_name: before.displayName }, after: { display_name: displayName, changed } };
  await recordAccountStep(tx, step, { ...decision, at });
  return after;
}
