/** What other domains may ask of environments, inside their own transaction. */
export { lockEnvironment, lockEnvironments, type LockedEnvironment } from '../../db/environments/environment-lock.ts';
export { loseInstancesOf } from './lose-instances.ts';
