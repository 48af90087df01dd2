import type { Instant } from '../shared/time.ts';
import type { SandboxAccountKey } from './account.ts';

/** Keeps its members running: one that has been stopped for some time is terminated and replaced. */
export interface SandboxScalingGroup extends SandboxAccountKey {
  id: string;
  version: number;
  name: string;
  replacedAfterSeconds: number;
  createdAt: Instant;
}
