import {
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  CancellationScope,
  isCancellation,
  workflowInfo,
  ActivityFailure,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { lookAgain, type EntityAct, type EntityRef, type Performed, type Plan } from './messages.ts';

/** History events after which a run hands over to a fresh one: replay of a run stays well under a second. */
const EVENTS_PER_RUN = 800;

const STATUS = defineSearchAttributeKey('OrreryStatus', SearchAttributeType.KEYWORD);

/** How long an entity waits before it looks again after an activity gave up. A signal ends the wait. */
const PAUSE_AFTER_FAILURE_MS = 60_000;

export interface EntityLoopActivities<Act extends EntityAct> {
  /** Runs the command for whatever is due on the row and answers with what it wants. Repeating it changes nothing. */
  advance(ref: EntityRef, at: string): Promise<Plan<Act>>;
  /** Performs one act; its outcome is a command keyed by the act. Answers with what the row wants after it. */
  perform(ref: EntityRef, act: Act): Promise<Performed<Act>>;
}

export interface EntityLoopOptions {
  /** The acts of a plan do not depend on each other: they are performed beside each other, not the first alone. */
  together?: boolean;
}

/**
 * The only loop in the product: look at the row, perform what it wants first, see what it wants then;
 * when nothing, wait for its deadline or a signal, and look again. It keeps a reference and a deadline,
 * no state. Every run begins with `advance` and ends only on a look later than the newest signal.
 * Coming to rest it says the row's state as OrreryStatus; a run that ends answers with the row's
 * details, which the Temporal UI shows even when no worker runs.
 */
export async function entityLoop<Act extends EntityAct>(
  ref: EntityRef,
  { advance, perform }: EntityLoopActivities<Act>,
  { together = false }: EntityLoopOptions = {},
): Promise<string> {
  let woken = false;
  setHandler(lookAgain, () => {
    woken = true;
  });
  let plan: Plan<Act> | null = null;
  for (;;) {
    try {
      // A signal that came while the row was being looked at may be about something newer.
      if (plan === null || woken) {
        woken = false;
        plan = await advance(ref, new Date().toISOString());
      }
      setCurrentDetails(plan.details);
      const acts: Act[] = together ? plan.acts : plan.acts.slice(0, 1);
      const [act] = acts;
      if (act !== undefined && acts.length === 1) {
        plan = (await perform(ref, act)).plan;
      } else if (act !== undefined) {
        // All come to their end before a failure counts: none is left to work beside the next look.
        const ends = await Promise.allSettled(acts.map((one) => perform(ref, one)));
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
        // Each saw the row while others still worked on it.
        plan = null;
      } else if (!woken) {
        showStatus(plan.status);
        if (plan.done) return plan.details;
        await wokenOrDue(() => woken, plan.nextDueAt);
        plan = null;
      }
    } catch (error) {
      plan = null;
      // An activity that used up its attempts never ends the entity: the row still wants what it wants.
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      const again = new Date(Date.now() + PAUSE_AFTER_FAILURE_MS).toISOString();
      setCurrentDetails(`**Held up** by ${error.activityType}: ${rootMessage(error)}. Looks again at ${again}.`);
      await wokenOrDue(() => woken, again);
    }
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > EVENTS_PER_RUN) await continueAsNew<(ref: EntityRef) => Promise<void>>(ref);
  }
}

/**
 * One action of the history's budget, so only at rest and only when it changes. A run that was started without the
 * attribute leaves it alone: in a namespace that lacks it, an upsert would fail the workflow's task for ever.
 */
function showStatus(status: string): void {
  const shown = workflowInfo().typedSearchAttributes.get(STATUS);
  if (shown !== undefined && shown !== status) upsertSearchAttributes([{ key: STATUS, value: status }]);
}

function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

/** Waits for the signal or the deadline, whichever is first, with one timer that an operator can read. */
async function wokenOrDue(woken: () => boolean, dueAt: string | null): Promise<void> {
  if (dueAt === null) {
    await condition(woken);
    return;
  }
  const milliseconds = Math.max(1, Date.parse(dueAt) - Date.now());
  try {
    await CancellationScope.cancellable(async () => {
      const scope = CancellationScope.current();
      const signalled = condition(woken).then(() => scope.cancel());
      await Promise.race([signalled, sleep(milliseconds, { summary: `next look at ${dueAt}` })]);
      scope.cancel();
    });
  } catch (error) {
    // The scope is ours: its cancellation is how the timer ends early. A cancelled workflow still stops.
    if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
  }
}
