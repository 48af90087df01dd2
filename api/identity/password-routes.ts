import { setTimeout as delay } from 'node:timers/promises';
import { letterLimits, loginLimits } from '../../commands/identity/login-limits.ts';
import { hashChosenPassword, passwordMatches } from '../../commands/identity/passwords.ts';
import { forgotPassword, resetPassword, setPassword, userOfReset } from '../../commands/identity/set-password.ts';
import { getUser } from '../../db/identity/user-store.ts';
import { letterIsVoid } from '../../domain/identity/mailbox.ts';
import { countedAs } from '../../domain/identity/session.ts';
import { LONGEST_PASSWORD } from '../../domain/identity/user.ts';
import { invalidField } from '../../domain/shared/errors.ts';
import { requireCaller, unauthenticated } from '../shared/authorize.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { knownEmail, letterSecret, newPassword } from './schemas.ts';
import { letterDesk } from './session-cookie.ts';

const tags = ['identity'];
/** Longer than writing a letter takes, so that the time of the answer does not tell whether one was written. */
const SAME_TIME_MS = 300;

const change = defineOperation({
  method: 'put',
  path: '/v1/me/password',
  id: 'changePassword',
  summary: 'Change one’s own password; every other session ends',
  tags,
  access: { kind: 'person' },
  tokenScope: 'admin',
  body: z.strictObject({ current_password: z.string().min(1).max(LONGEST_PASSWORD), new_password: newPassword }),
  responses: { 204: null },
  async handle(context, { body }) {
    const { userId, credential } = requireCaller(context.caller);
    const user = await getUser(context.deps.db, userId);
    if (user === null) throw unauthenticated();
    // A stolen session must not try passwords either.
    const limits = loginLimits(context.deps.db);
    const attempt = { email: user.email, address: context.address, device: null };
    await limits.take(attempt);
    if (!(await passwordMatches(user.passwordHash, body.current_password))) {
      throw invalidField('identity.wrong-password', 'current_password', 'is not your password');
    }
    await limits.giveBack(attempt);
    const passwordHash = await hashChosenPassword(body.new_password, user);
    const keepSession = credential.kind === 'session' ? credential.sessionId : null;
    return await context.transact(async (tx) => {
      await setPassword(tx, { userId, passwordHash, passwordExpiresAt: null, keepSession }, { at: context.at, by: context.actor });
      return { status: 204, body: null };
    });
  },
});

const forgot = defineOperation({
  method: 'post',
  path: '/v1/password:forgot',
  id: 'forgotPassword',
  summary: 'Have a letter sent whose link sets another password',
  description: 'The answer is the same, and takes the same time, whether or not an account has this address as a verified one. The link serves once, for 30 minutes.',
  tags,
  access: { kind: 'public' },
  tokenScope: 'read',
  idempotency: 'none',
  body: z.strictObject({ email: knownEmail }),
  responses: { 202: z.strictObject({ message: z.string() }) },
  async handle(context, { body }) {
    const { deps, at } = context;
    const letter = async (): Promise<void> => {
      if (!(await letterLimits(deps.db).takeQuietly(`address/${countedAs(context.address)}`, body.email))) return;
      await context.transact(async (tx) => {
        await forgotPassword(tx, letterDesk(deps), body.email, at);
        return { status: 202, body: { message: '' } };
      });
    };
    await Promise.all([letter(), delay(SAME_TIME_MS)]);
    return { status: 202, body: { message: 'If an account has this verified address, a letter is on its way to it.' } };
  },
});

const reset = defineOperation({
  method: 'post',
  path: '/v1/password:reset',
  id: 'resetPassword',
  summary: 'Set another password by the secret of a letter’s link; every session ends',
  tags,
  access: { kind: 'public' },
  tokenScope: 'read',
  idempotency: 'none',
  body: z.strictObject({ token: letterSecret, new_password: newPassword }),
  responses: { 204: null },
  async handle(context, { body }) {
    const { deps, at, requestId } = context;
    const user = await userOfReset(deps.db, body.token, at);
    if (user === null) throw letterIsVoid();
    const passwordHash = await hashChosenPassword(body.new_password, user);
    const answer = await context.transact(async (tx) => {
      await resetPassword(tx, { secret: body.token, userId: user.id, passwordHash }, { at, requestId });
      return { status: 204, body: null };
    });
    // Whoever reads the mailbox is the owner: guesses of others count no more.
    await loginLimits(deps.db).giveBack({ email: user.email, address: context.address, device: null });
    return answer;
  },
});

export const passwordRoutes = [change, forgot, reset];
