import { proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { EntityActivities } from '../activities/entities.ts';
import { entityLoop, type EntityLoopActivities, type EntityLoopOptions } from './entity-loop.ts';
import { taskQueueName, type EntityAct, type EntityRef, type TaskQueue } from './messages.ts';

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
  const { advance } = activitiesOn<EntityActivities>('entities', {
    startToCloseTimeout: '30 s',
    scheduleToCloseTimeout: '10 min',
    retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
  });
  return await entityLoop<Act>(ref, {
    advance: async (ref, at) =>
      // The registry on the other side guarantees that the plan of a kind holds acts of that kind.
      (await advance.executeWithOptions({ summary: `look at the ${kind}’s row, apply what is due at ${at}` }, [kind, ref, at])) as Awaited<
        ReturnType<EntityLoopActivities<Act>['advance']>
      >,
    perform,
  }, options);
}
