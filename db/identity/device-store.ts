import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** Whether an account is known from the browser that holds this secret. */
export async function isKnownDevice(db: Database, secretHash: Buffer, userId: string): Promise<boolean> {
  return (await db('known_devices').where({ secret_hash: secretHash, user_id: userId }).first('user_id')) !== undefined;
}

/** Remembers that an account was logged in to from a browser. */
export async function rememberDevice(tx: Transaction, secretHash: Buffer, userId: string, at: Instant): Promise<void> {
  await tx('known_devices')
    .insert({ secret_hash: secretHash, user_id: userId, created_at: at, last_used_at: at })
    .onConflict('secret_hash')
    .merge(['user_id', 'last_used_at']);
}

/** Forgets one browser of an account. */
export async function forgetDevice(tx: Transaction, secretHash: Buffer, userId: string): Promise<void> {
  await tx('known_devices').where({ secret_hash: secretHash, user_id: userId }).delete();
}

/** Forgets the browsers of an account. */
export async function forgetDevices(tx: Transaction, userId: string): Promise<void> {
  await tx('known_devices').where('user_id', userId).delete();
}

/** Forgets browsers not used since `before`; answers how many. */
export async function deleteUnusedDevices(db: Database, before: Instant): Promise<number> {
  return await db('known_devices').where('last_used_at', '<', before).delete();
}
