import { recordLedgerEntries } from '../../db/audit/ledger-store.ts';
import { insertOperation } from '../../db/operations/operation-store.ts';
import { insertRunItems } from '../../db/power/run-item-store.ts';
import { instanceTargets, type InstanceTarget } from '../../db/resources/instance-targets.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { Wanted } from '../../domain/power/claims.ts';
import { ITEMS_PER_RUN, ITEMS_PER_SLOT, newPowerRun, type PowerRun, type RunCause } from '../../domain/power/power-run.ts';
import { newRunItem, type RunItem, type SupersededWish } from '../../domain/power/run-item.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import { entityWorkflowId } from '../../workflows/messages.ts';
import { POWER_RUN } from '../../workflows/power/messages.ts';
import { createEntity } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { eventsOfEnded } from './item-events.ts';
import { powerRunEntity } from './power-run-entity.ts';

/** What is wanted of one instance, for a run to carry out or, when overruled, to record. */
export interface Wish {
  resourceId: string;
  scheduleId: string | null;
  dueAt: Instant;
  localTime: string | null;
  moved: 'gap' | null;
  superseded: SupersededWish[];
  action: Wanted;
  generation: number;
  /** Why nothing is done, when a stronger claim decides. */
  overruledBy: string | null;
}

export interface RunRequest {
  cause: RunCause;
  by: Actor;
  at: Instant;
  /** A person waits for it: each run gets an operation. */
  withOperation: boolean;
}

export interface CreatedRun {
  run: PowerRun;
  /** Schedules that spoke in it. */
  scheduleIds: string[];
}

/**
 * Writes runs for wishes of one organization in the caller's transaction, with their items in
 * portions of one data source each, and wakes their workflows. An instance that is gone from the
 * organization's list has no item.
 */
export async function createRuns(tx: Transaction, organizationId: string, wishes: readonly Wish[], request: RunRequest): Promise<CreatedRun[]> {
  if (wishes.length === 0) return [];
  const targets = await instanceTargets(tx, organizationId, wishes.map((wish) => wish.resourceId));
  const known = wishes
    .flatMap((wish) => {
      const target = targets.get(wish.resourceId);
      return target === undefined ? [] : [{ wish, target }];
    })
    .toSorted((a, b) => compare(placeOf(a.target), placeOf(b.target)));
  const runs: CreatedRun[] = [];
  for (let from = 0; from < known.length; from += ITEMS_PER_RUN) {
    const portion = known.slice(from, from + ITEMS_PER_RUN);
    const scheduleIds = new Set(portion.flatMap(({ wish }) => wish.scheduleId ?? []));
    runs.push({ run: await createRun(tx, organizationId, portion, request), scheduleIds: [...scheduleIds] });
  }
  return runs;
}

/** Instances of one place can share a call. */
function placeOf({ dataSourceId, ref, resourceId }: InstanceTarget): string {
  return `${dataSourceId}/${ref.regionId}/${resourceId}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Known = { wish: Wish; target: InstanceTarget };

async function createRun(tx: Transaction, organizationId: string, known: readonly Known[], { cause, by, at, withOperation }: RunRequest): Promise<PowerRun> {
  const id = newId('power-run');
  const items = itemsOf(known, at);
  const operationId = withOperation ? newId('operation') : null;
  if (operationId !== null) {
    const workflowId = entityWorkflowId(POWER_RUN, id);
    await insertOperation(tx, { id: operationId, organizationId, kind: 'power-run', subjectId: id, workflowId, createdAt: at });
  }
  const dueAt = known.reduce((first, { wish }) => (wish.dueAt < first ? wish.dueAt : first), at);
  const run = newPowerRun({ id, organizationId, cause, requestedBy: by, operationId, dueAt }, items, at);
  await createEntity(tx, powerRunEntity, run, 'power.begin-run', { at, by });
  await insertRunItems(tx, organizationId, id, items);
  await recordLedgerEntries(tx, eventsOfEnded({ organizationId, id }, items, { at, by }));
  return run;
}

function itemsOf(known: readonly Known[], at: Instant): RunItem[] {
  let slot = -1;
  let inSlot = 0;
  let place: string | null = null;
  return known.map(({ wish: { overruledBy, ...wish }, target }, position) => {
    if (target.dataSourceId !== place || inSlot === ITEMS_PER_SLOT[target.cloud]) {
      slot += 1;
      inSlot = 0;
      place = target.dataSourceId;
    }
    inSlot += 1;
    const item = newRunItem({ ...wish, position, dataSourceId: target.dataSourceId, slot }, at);
    return overruledBy === null ? item : { ...item, state: 'overruled', detail: overruledBy, nextAttemptAt: null, finishedAt: at };
  });
}
