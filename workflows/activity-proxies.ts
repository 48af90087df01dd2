import { ActivityFailure, isCancellation, proxyActivities, proxyLocalActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { EntityActivities } from '../activities/entities.ts';
import { entityLoop, type EntityLoopActivities, type EntityLoopOptions } from './entity-loop.ts';
import { LOOKS_LOCALLY, taskQueueName, type EntityAct, type EntityRef, type TaskQueue } from './messages.ts';

/** A local look holds up a workflow task, which Temporal gives ten seconds. */
const LOCAL_LOOK = '4 s';

/**
 * Proxies of activities that run on another queue of this workflow's deployment. The deployment's
 * prefix is what its own queue has before `entities`.
 */
export function activitiesOn<A extends object>(queue: TaskQueue, options: ActivityOptions): ReturnType<typeof proxyActivities<A>> {
  const prefix = workflowInfo().taskQueue.slice(0, -'entities'.length);
  return proxyActivities<A>({ ...options, taskQueue: taskQueueName(prefix, queue) });
}

/** Runs the entity loop for rows of `kind`; `perform` says how each act is performed. Answers with the row's details at the end. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it ties the acts of a plan to what performs them
export async function runEntity<Act extends EntityAct>(
  kind: string,
  ref: EntityRef,
  perform: EntityLoopActivities<Act>['perform'],
  options: EntityLoopOptions = {},
): Promise<string> {
  const look = looksAt(kind);
  return await entityLoop<Act>(ref, {
    // The registry on the other side guarantees that the plan of a kind holds acts of that kind.
    advance: async (ref, at) => (await look(ref, at)) as Awaited<ReturnType<EntityLoopActivities<Act>['advance']>>,
    perform,
  }, options);
}

/**
 * How this run looks at rows of `kind`. A look takes milliseconds and may be repeated, so it is a local activity, which
 * needs no task of its own. One that fails is made again as an ordinary activity: its attempts are spread over minutes,
 * and an operator sees it pending with the reason. A run that was started without the memo of `LOOKS_LOCALLY` makes the
 * ordinary activity only, as its history does.
 */
function looksAt(kind: string): (ref: EntityRef, at: string) => ReturnType<EntityActivities['advance']> {
  const queued = activitiesOn<EntityActivities>('entities', {
    startToCloseTimeout: '30 s',
    scheduleToCloseTimeout: '10 min',
    retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
  });
  const local = proxyLocalActivities<EntityActivities>({ startToCloseTimeout: LOCAL_LOOK, retry: { maximumAttempts: 1 } });
  const locally = workflowInfo().memo?.[LOOKS_LOCALLY.key] === LOOKS_LOCALLY.value;
  return async (ref, at) => {
    const summary = `look at the ${kind}’s row, apply what is due at ${at}`;
    if (locally) {
      try {
        return await local.advance.executeWithOptions({ summary }, [kind, ref, at]);
      } catch (error) {
        if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      }
    }
    return await queued.advance.executeWithOptions({ summary }, [kind, ref, at]);
  };
}
