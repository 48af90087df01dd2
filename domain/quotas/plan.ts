import { laterOf, plusMilliseconds, type Instant } from '../shared/time.ts';
import { fromMillionths, QUOTA_KINDS, toMillionths, type CapacityAmounts, type ExactAmounts, type QuotaAmounts, type QuotaKind } from './amounts.ts';

/** A half-open piece of time. */
export interface Period {
  from: Instant;
  to: Instant;
}

/** What one project takes of the organization's capacity, and when. */
export interface PlannedGrant {
  projectId: string;
  amounts: QuotaAmounts;
  since: Instant;
  /** Planned end of the buffer, exclusive. It counts on after it until it is released. */
  until: Instant;
  releasedAt: Instant | null;
}

/** What is granted between two instants at which somebody begins or ends. */
export interface PlanStep extends Period {
  granted: ExactAmounts;
}

/** When and why a wish does not fit. */
export interface Conflict extends Period {
  kinds: QuotaKind[];
}

/** What a grant that outlived its planned end is expected to take for, from now: releasing it takes minutes, unless it fails. */
export const OVERRUN_MS = 86_400_000;

/** When a grant is counted as over at `at`: as planned, when it was released, or a day from now when it overran. */
export function endOf(grant: Pick<PlannedGrant, 'until' | 'releasedAt'>, at: Instant): Instant {
  if (grant.releasedAt !== null) return grant.releasedAt;
  return grant.until > at ? grant.until : plusMilliseconds(at, OVERRUN_MS);
}

/** Whether a grant is still there although its planned end has passed. */
export function overran(grant: Pick<PlannedGrant, 'until' | 'releasedAt'>, at: Instant): boolean {
  return grant.releasedAt === null && grant.until <= at;
}

/** A step as it is computed with: sums in millionths. */
export interface Step extends Period {
  sums: Readonly<Record<QuotaKind, bigint>>;
}

/**
 * What the grants come to over `window`, as seen at `at`: steps in order, without gaps, each with an exact sum.
 * A kind without limit adds nothing.
 */
export function stepsOf(grants: readonly PlannedGrant[], window: Period, at: Instant): PlanStep[] {
  return computeSteps(grants, window, at).map(({ from, to, sums }) => ({
    from,
    to,
    granted: { gpu: fromMillionths(sums.gpu), cpu: fromMillionths(sums.cpu), ram_gib: fromMillionths(sums.ram_gib) },
  }));
}

/** `stepsOf`, to go on computing with. */
export function computeSteps(grants: readonly PlannedGrant[], window: Period, at: Instant): Step[] {
  const changes = new Map<Instant, Record<QuotaKind, bigint>>();
  const change = (when: Instant): Record<QuotaKind, bigint> => {
    const known = changes.get(when) ?? { gpu: 0n, cpu: 0n, ram_gib: 0n };
    changes.set(when, known);
    return known;
  };
  change(window.from);
  for (const grant of grants) {
    const since = laterOf(grant.since, window.from);
    const until = endOf(grant, at);
    if (until <= since || since >= window.to) continue;
    const [begins, ends] = [change(since), until < window.to ? change(until) : null];
    for (const kind of QUOTA_KINDS) {
      const amount = toMillionths(grant.amounts[kind] ?? '0');
      begins[kind] += amount;
      if (ends !== null) ends[kind] -= amount;
    }
  }
  const instants = [...changes.keys()].toSorted();
  const sums = { gpu: 0n, cpu: 0n, ram_gib: 0n };
  return instants.map((from, index) => {
    for (const kind of QUOTA_KINDS) sums[kind] += change(from)[kind];
    return { from, to: instants[index + 1] ?? window.to, sums: { ...sums } };
  });
}

/** A grant wished for, in place of the one the project may have. */
export interface GrantWish extends Period {
  amounts: QuotaAmounts;
  /** What the project has now: where a wish asks for no more than this, nothing is refused. */
  instead: PlannedGrant | null;
}

/** The period a project would have if it began at or after an instant; `from` grows with what it is given. */
export type NextPeriod = (earliest: Instant) => Period;

export type Fitting =
  | { fits: true }
  | {
      fits: false;
      /** First instant from which the whole period fits; of a grant that has begun, the first from which the rest of it does. Null for never. */
      firstFit: Instant | null;
      /** Until when it would fit, beginning as wished; null when it does not fit from the first instant on. */
      fitsUntil: Instant | null;
      conflicts: Conflict[];
    };

/**
 * Whether the wish fits beside `others` at every instant from `at` on, and if not, when it would. The past is
 * over: what was granted then is not refused now.
 */
export function planGrant(others: readonly PlannedGrant[], capacity: CapacityAmounts, wish: GrantWish, at: Instant, nextPeriod: NextPeriod = sameLength(wish)): Fitting {
  const horizon = horizonOf(others, wish, at);
  const begun = wish.instead !== null && wish.instead.since <= at;
  const from = laterOf(wish.from, at);
  const steps = computeSteps(others, { from, to: horizon }, at);
  const tight = conflictsIn(steps, capacity, wish.amounts);
  const conflicts = within(beyondWhatItHas(steps, capacity, wish, at), { from, to: wish.to });
  const [first] = conflicts;
  if (first === undefined) return { fits: true };
  const fitsUntil = first.from > from ? first.from : null;
  if (begun) {
    const free = conflicts.at(-1)?.to ?? null;
    return { fits: false, firstFit: free !== null && free < wish.to ? free : null, fitsUntil, conflicts };
  }
  return { fits: false, firstFit: firstFit(tight, from, nextPeriod, horizon), fitsUntil, conflicts };
}

/** The parts of `steps` in which these amounts do not fit besides, neighbours of the same kinds joined. */
export function conflictsIn(steps: readonly Step[], capacity: CapacityAmounts, amounts: QuotaAmounts, matters: (kind: QuotaKind, step: Step) => boolean = () => true): Conflict[] {
  const conflicts: Conflict[] = [];
  const limited = QUOTA_KINDS.flatMap((kind) => {
    const [most, asked] = [capacity[kind], amounts[kind]];
    // No limit fits nowhere where there is one.
    return most === null ? [] : [{ kind, most: asked === null ? -1n : toMillionths(most) - toMillionths(asked) }];
  });
  for (const step of steps) {
    const kinds = limited.filter(({ kind, most }) => step.sums[kind] > most && matters(kind, step)).map(({ kind }) => kind);
    const last = conflicts.at(-1);
    if (kinds.length === 0) continue;
    if (last !== undefined && last.to === step.from && last.kinds.join() === kinds.join()) last.to = step.to;
    else conflicts.push({ from: step.from, to: step.to, kinds });
  }
  return conflicts;
}

/**
 * Conflicts where the wish asks for more than the project has: an extension is refused for its new days alone,
 * because the old ones are already its own whoever overran beside it.
 */
function beyondWhatItHas(steps: readonly Step[], capacity: CapacityAmounts, { amounts, instead }: GrantWish, at: Instant): Conflict[] {
  if (instead === null) return conflictsIn(steps, capacity, amounts);
  const until = endOf(instead, at);
  const split = steps.flatMap((step) => cutAt(cutAt([step], instead.since), until));
  return conflictsIn(split, capacity, amounts, (kind, step) => {
    const had = step.from >= instead.since && step.from < until ? instead.amounts[kind] : '0';
    const asked = amounts[kind];
    return had !== null && (asked === null || toMillionths(asked) > toMillionths(had));
  });
}

function cutAt(steps: readonly Step[], instant: Instant): Step[] {
  return steps.flatMap((step) => (step.from < instant && instant < step.to ? [{ ...step, to: instant }, { ...step, from: instant }] : [step]));
}

function within(conflicts: readonly Conflict[], { from, to }: Period): Conflict[] {
  return conflicts
    .filter((conflict) => conflict.to > from && conflict.from < to)
    .map((conflict) => ({ ...conflict, from: laterOf(conflict.from, from), to: conflict.to < to ? conflict.to : to }));
}

/**
 * The earliest beginning whose period meets no conflict: after one that is met, nothing before its end can be
 * free of it. Once everybody else is over only what is more than there is at all does not fit.
 */
function firstFit(conflicts: readonly Conflict[], earliest: Instant, nextPeriod: NextPeriod, horizon: Instant): Instant | null {
  if (conflicts.at(-1)?.to === horizon) return null;
  let period = nextPeriod(earliest);
  for (const conflict of conflicts) {
    if (conflict.to <= period.from) continue;
    if (conflict.from >= period.to) break;
    period = nextPeriod(conflict.to);
  }
  return period.from;
}

function sameLength(wish: Period): NextPeriod {
  const length = Date.parse(wish.to) - Date.parse(wish.from);
  return (earliest) => ({ from: earliest, to: plusMilliseconds(earliest, length) });
}

/** After this instant nothing changes any more: everybody else is over, and the wish too. */
function horizonOf(others: readonly PlannedGrant[], wish: Period, at: Instant): Instant {
  let last = laterOf(wish.to, at);
  for (const other of others) last = laterOf(last, endOf(other, at));
  return plusMilliseconds(last, 1);
}
