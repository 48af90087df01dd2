import { defineSignal } from '@temporalio/workflow';
import type { Instant } from '../domain/shared/time.ts';

/** Task queues, one per kind of load. */
export const TASK_QUEUES = ['entities', 'imports', 'cloud', 'outbound'] as const;
export type TaskQueue = (typeof TASK_QUEUES)[number];

/** What an entity workflow keeps: which row it serves. */
export interface EntityRef {
  organizationId: string;
  id: string;
}

/** What an entity's row wants now. */
export interface Plan<Act> {
  /** What to perform, in order. */
  acts: Act[];
  /** When to look again unless woken. */
  nextDueAt: Instant | null;
  /** The row has nothing more to wait for: the workflow may end. */
  done: boolean;
  /** On the row's state, Markdown: the workflow's current details in the Temporal UI, and its result when it ends. */
  details: string;
  /** The row's state in one word, for the search attribute OrreryStatus. */
  status: string;
}

/** What performing an act answers. */
export interface Performed<Act> {
  /** What came of it, for people who read the history. */
  outcome: string;
  /** What the row wants after it: it saves the workflow a look of its own. */
  plan: Plan<Act>;
}

/** An act as every entity's plan carries it. */
export interface EntityAct {
  /** What to do: the activity's key within its entity. */
  name: string;
  /** `<row id>/<act>/<due instant or row version>`: the outcome is recorded once under it. */
  key: string;
  /** Shown in the Temporal UI. */
  summary: string;
}

/** "Look again": carries nothing, may repeat, coalesce or arrive late without harm. */
export const lookAgain = defineSignal('lookAgain');

/**
 * The memo with which the relay starts an entity's run: its looks are local activities. What a run does must follow from
 * its own history, so runs that were started before, without it, go on as they began.
 */
export const LOOKS_LOCALLY = { key: 'OrreryLooks', value: 'locally' } as const;

/** The id of the workflow that serves a row. */
export function entityWorkflowId(kind: string, id: string): string {
  return `${kind}/${id}`;
}

/** Search attributes that every workflow of the product carries; all keywords. */
export const SEARCH_ATTRIBUTES = ['OrreryOrganization', 'OrreryDomain', 'OrreryStatus'] as const;

/** Ticks of a data source: one asks for an import, one for a discovery. */
export const DATA_SOURCE_TICKS = ['import-data-source', 'discover-data-source'] as const;

/** What a Temporal Schedule starts for a data source. */
export interface DataSourceTick {
  name: (typeof DATA_SOURCE_TICKS)[number];
  ref: EntityRef;
}

/** What a Temporal Schedule starts: a tick issues one command for a row, by its name. */
export type Tick = DataSourceTick;

/** The id of the Schedule that ticks for a row. */
export function tickScheduleId(tick: Tick): string {
  return `${tick.name}/${tick.ref.id}`;
}

/** A process's task queue: `prefix` keeps deployments that share a namespace apart. */
export function taskQueueName(prefix: string, queue: TaskQueue): string {
  return `${prefix}${queue}`;
}
