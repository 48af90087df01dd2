import { Temporal } from 'temporal-polyfill';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** No zone was ever further from UTC than 15 h 14 min (Manila and Alaska before 1868). */
const WIDEST_OFFSET_MS = 16 * HOUR_MS;
/** What a year's spans reach beyond it, so that one year answers for all its local days. */
const MARGIN_MS = 3 * DAY_MS;
/** All zones of eight years: a few MB. */
const MOST_YEARS_KEPT = 5_000;

/** A stretch of time in which a zone's clocks do not change. Milliseconds; `until` is the first one after it. */
export interface OffsetSpan {
  from: number;
  until: number;
  /** Local time minus UTC. */
  offset: number;
}

/** A run of whole local days that no clock change comes near: local time minus `offset` is the instant. */
export interface CalmDays {
  firstDay: number;
  lastDay: number;
  offset: number;
}

/** At which pass a repeated local time counts. */
export type Pass = 'first' | 'second';

/**
 * The name of a zone as the IANA database spells it (`europe/berlin` is `Europe/Berlin`); an alias stays what it is. Null for
 * what is no IANA name: fixed offsets, and abbreviations such as `PST` that only the runtime's library knows.
 */
export function zoneName(name: string): string | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const years = new Map<string, Map<number, OffsetSpan[]>>();
let yearsKept = 0;

/** The zone's spans through a UTC year and three days on either side, in order and without holes. Kept: zone data do not change in a process. */
export function spansOf(timeZone: string, year: number): readonly OffsetSpan[] {
  const kept = years.get(timeZone)?.get(year);
  if (kept !== undefined) return kept;
  const spans = readSpans(timeZone, Date.UTC(year, 0, 1) - MARGIN_MS, Date.UTC(year + 1, 0, 1) + MARGIN_MS);
  if (yearsKept >= MOST_YEARS_KEPT) {
    years.clear();
    yearsKept = 0;
  }
  const ofZone = years.get(timeZone) ?? new Map<number, OffsetSpan[]>();
  years.set(timeZone, ofZone.set(year, spans));
  yearsKept += 1;
  return spans;
}

// A search for the next transition looks three years ahead at least, from the point it starts at: enough for one year's spans.
function readSpans(timeZone: string, from: number, until: number): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone);
  for (;;) {
    const change = at.getTimeZoneTransition('next');
    const span = { from: at.epochMilliseconds, until, offset: at.offsetNanoseconds / 1_000_000 };
    spans.push(span);
    if (change === null || change.epochMilliseconds >= until) return spans;
    span.until = change.epochMilliseconds;
    at = change;
  }
}

/** Local time minus UTC at an instant, in milliseconds. */
export function offsetAt(timeZone: string, at: number): number {
  return spanAt(spansOf(timeZone, new Date(at).getUTCFullYear()), at).offset;
}

/** The local day (days since 1970-01-01) on which an instant falls. */
export function localDayAt(timeZone: string, at: number): number {
  return Math.floor((at + offsetAt(timeZone, at)) / DAY_MS);
}

/** The calm days around a local day; null when a clock change is too near for plain arithmetic. */
export function calmDaysAround(timeZone: string, day: number): CalmDays | null {
  const start = day * DAY_MS;
  const span = spanAt(spansOf(timeZone, new Date(start).getUTCFullYear()), start - WIDEST_OFFSET_MS);
  const lastDay = Math.floor((span.until - WIDEST_OFFSET_MS) / DAY_MS) - 1;
  if (day > lastDay) return null;
  return { firstDay: Math.ceil((span.from + WIDEST_OFFSET_MS) / DAY_MS), lastDay, offset: span.offset };
}

/**
 * The instant of a local time, both in milliseconds: for the first pass, when the zone's clocks first read it or later; for the
 * second, from when on they read only later. So a repeated local time has its first or last pass, one inside a gap
 * has the gap's end, and later local times never have earlier instants, whatever the clocks do.
 */
export function instantOf(timeZone: string, local: number, pass: Pass): number {
  const spans = spansOf(timeZone, new Date(local).getUTCFullYear());
  return pass === 'first' ? firstReading(spans, local) : lastReading(spans, local);
}

function firstReading(spans: readonly OffsetSpan[], local: number): number {
  for (const { from, until, offset } of spans) {
    const at = Math.max(from, local - offset);
    if (at < until) return at;
  }
  throw new RangeError(`the spans end before the local time ${local}`);
}

function lastReading(spans: readonly OffsetSpan[], local: number): number {
  for (let index = spans.length - 1; index >= 0; index -= 1) {
    const { from, until, offset } = spans[index] as OffsetSpan;
    if (local - offset >= from) return Math.min(until, local - offset);
  }
  throw new RangeError(`the spans begin after the local time ${local}`);
}

/** The first instant of a local day (days since 1970-01-01), in milliseconds. Days follow each other without holes; one that the zone skips is empty. */
export function startOfLocalDay(timeZone: string, day: number): number {
  return instantOf(timeZone, day * DAY_MS, 'first');
}

/** Where the zone's clocks change in [`from`, `until`), at most two days apart: the instant, and local time minus UTC before and after. */
export function clockChangesBetween(timeZone: string, from: number, until: number): { at: number; before: number; after: number }[] {
  const spans = spansOf(timeZone, new Date(from).getUTCFullYear());
  return spans.slice(1).flatMap((span, index) => {
    if (span.from < from || span.from >= until) return [];
    return [{ at: span.from, before: (spans[index] as OffsetSpan).offset, after: span.offset }];
  });
}

function spanAt(spans: readonly OffsetSpan[], at: number): OffsetSpan {
  for (const span of spans) if (at < span.until && at >= span.from) return span;
  throw new RangeError(`the spans do not hold the instant ${at}`);
}
