import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { testEnvironment } from './environment.ts';
import { eventually, type Platform } from './platform.ts';

export type History = proto.temporal.api.history.v1.IHistory;
type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
const { EventType } = proto.temporal.api.enums.v1;

/** Histories of earlier releases. Record new ones with ORRERY_RECORD_HISTORIES=1; never change old ones. */
export const HISTORIES = join(import.meta.dirname, '..', 'replay', 'histories');

/** Which recording of a name it is: raised by whatever lets new runs decide otherwise than old ones. */
const RECORDING = 2;

/** What a local activity leaves in a history. */
const LOCAL_ACTIVITY = 'core_local_activity';

const ACTIONS = [
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
  EventType.EVENT_TYPE_TIMER_STARTED,
  EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
  EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
];

/**
 * What Temporal Cloud would bill of a history: starts, timers, activities, signals, search attributes and continue-as-new. Of
 * local activities it bills one a workflow task; here each counts.
 */
export function actionsOf(history: History): number {
  return (history.events ?? []).filter((event) => localActivityOf(event) !== null || (event.eventType !== null && ACTIONS.includes(event.eventType as number))).length;
}

/** An activity as a history tells of it. */
interface MadeActivity {
  type: string;
  /** Made within the workflow's own task. Of those a history tells when they have ended. */
  local: boolean;
  /** A local one whose only attempt failed. */
  failed: boolean;
}

/** The activities a workflow has made, in their order. */
export async function activitiesOf(handle: WorkflowHandle): Promise<MadeActivity[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event): MadeActivity[] => {
    const local = localActivityOf(event);
    if (local !== null) return [{ type: local, local: true, failed: (event.markerRecordedEventAttributes?.failure ?? null) !== null }];
    const type = event.activityTaskScheduledEventAttributes?.activityType?.name ?? null;
    return type === null ? [] : [{ type, local: false, failed: false }];
  });
}

/** The types of the activities a workflow has made, in their order. */
export async function activityTypes(handle: WorkflowHandle): Promise<string[]> {
  return (await activitiesOf(handle)).map(({ type }) => type);
}

/** The type of the local activity whose end an event tells of, else null. */
function localActivityOf({ markerRecordedEventAttributes: marker }: HistoryEvent): string | null {
  if (marker?.markerName !== LOCAL_ACTIVITY) return null;
  return (JSON.parse(String(marker.details?.['data']?.payloads?.[0]?.data)) as { activity_type: string }).activity_type;
}

/** The histories of all runs of a workflow that has ended or rests, as visibility has them. */
export async function historiesOf({ client }: Pick<Platform, 'client'>, workflowId: string): Promise<History[]> {
  const query = `WorkflowId = '${workflowId}'`;
  await eventually(async () => (await client.workflow.count(query)).count > 0, `${workflowId} in visibility`);
  return await Array.fromAsync(client.workflow.list({ query }), ({ runId }) => client.workflow.getHandle(workflowId, runId).fetchHistory());
}

/** Replays a history with the workflows as they are; throws where they would decide otherwise. */
export async function replay(history: unknown, workflowId: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: { codePath: testEnvironment('ORRERY_TEST_BUNDLE') } }, history, workflowId);
}

/** Writes a history to be committed, when it is asked for. */
export function recordHistory(name: string, history: History): void {
  if (process.env.ORRERY_RECORD_HISTORIES !== '1') return;
  writeFileSync(join(HISTORIES, `${name}.${RECORDING}.bin`), proto.temporal.api.history.v1.History.encode(withoutIdentity(history)).finish());
}

/** Which process did it is nobody's business in a committed file. */
function withoutIdentity<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutIdentity) as T;
  if (typeof value === 'string') return value.replace(/^\d+@\S+$/, 'worker') as T;
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || 'low' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === 'identity' ? '' : withoutIdentity(one)])) as T;
}
