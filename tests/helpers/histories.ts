import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';

export type History = proto.temporal.api.history.v1.IHistory;
const { EventType } = proto.temporal.api.enums.v1;

const ACTIONS = [
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
  EventType.EVENT_TYPE_TIMER_STARTED,
  EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
  EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
];

/** What Temporal Cloud would bill of a history: starts, timers, activities, signals, search attributes and continue-as-new. */
export function actionsOf(history: History): number {
  return (history.events ?? []).filter((event) => event.eventType !== null && ACTIONS.includes(event.eventType as number)).length;
}

/** The types of the activities a workflow has scheduled, in their order. */
export async function activityTypes(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
}
