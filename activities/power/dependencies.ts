import type { Logger } from 'pino';
import type { OpenAccountDependencies } from '../shared/open-account.ts';
import type { Clock } from '../../domain/shared/time.ts';

/** What the power activities are given by the worker. */
export interface PowerActivityDependencies extends OpenAccountDependencies {
  clock: Clock;
  log: Logger;
}
