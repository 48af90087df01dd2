import type { Instant } from './time.ts';

/** In place of an organization's id in rows of people who need belong to none, as letters about an account do. The database has null. */
export const NO_ORGANIZATION = 'none';

/** What every entity row carries so that time can be applied to it. */
export interface EntityRow {
  id: string;
  organizationId: string;
  /** Grows by one with each change but routine ones; the ETag. */
  version: number;
  /** The latest instant applied to this row: no command acts earlier. */
  lastAt: Instant;
  /** When the row must be looked at again though nobody asks; null for never. */
  nextDueAt: Instant | null;
}

/** One step an entity took: for the ledger. */
export interface Transition<E> {
  action: string;
  before: E | null;
  after: E;
  /** The instant at which it was due, when time and not a person moved it. */
  dueAt: Instant | null;
  /** What a tick does again and again: nobody's decision and no news, so the ledger leaves it out and the version stays. */
  routine?: true;
}

/** What became of an entity: its new form and the steps that led there. No steps: nothing changed. */
export interface Settled<E> {
  entity: E;
  transitions: Transition<E>[];
}

export function unchanged<E>(entity: E): Settled<E> {
  return { entity, transitions: [] };
}

/** A step of an entity's reducer. */
export function step<E>(before: E, after: E, action: string, dueAt: Instant | null = null): Settled<E> {
  return { entity: after, transitions: [{ action, before, after, dueAt }] };
}

/** A step that only repeats what ticks do: see `Transition.routine`. */
export function routineStep<E>(before: E, after: E, action: string): Settled<E> {
  return { entity: after, transitions: [{ action, before, after, dueAt: null, routine: true }] };
}

/** Applies `next` to what `settled` left, keeping the steps of both. */
export function andThen<E>(settled: Settled<E>, next: (entity: E) => Settled<E>): Settled<E> {
  const following = next(settled.entity);
  return { entity: following.entity, transitions: [...settled.transitions, ...following.transitions] };
}

/** Who decided. */
export interface Actor {
  kind: 'person' | 'system';
  /** User id of a person, null for the system. */
  id: string | null;
  /** Shown in the ledger: a person's name, or which part of the system. */
  name: string;
  /** The request that carried the decision, when one did. */
  requestId?: string | undefined;
  /** The workflow that carried it, when one did. */
  workflowId?: string | undefined;
}

export function system(name: string, workflowId?: string): Actor {
  return { kind: 'system', id: null, name, workflowId };
}
