import { asyncLocalStorage } from '@temporalio/activity';
import pino, { type DestinationStream, type Logger, type LevelWithSilent } from 'pino';

/** The log of the workers' process: what is written inside an activity says which one, and whose. */
export function workersLog(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = { level, base: { process: 'workers' }, mixin: ofActivity };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Nothing outside of activities: the relay, the reconciler and the Temporal runtime write here, too. */
function ofActivity(): object {
  const info = asyncLocalStorage.getStore()?.info;
  if (info === undefined) return {};
  const { workflowExecution, activityType, attempt } = info;
  return { workflowId: workflowExecution?.workflowId, runId: workflowExecution?.runId, activity: activityType, attempt };
}
