import { step, routineStep, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, type ErrorRecord } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { DataSource } from './data-source.ts';

/** Minutes between two scheduled discoveries: from, to, and unless chosen. */
export const DISCOVERY_MINUTES = { least: 5, most: 1440, usual: 10 } as const;

/** Why a discovery exists: the first of its data source, its Schedule's tick, or somebody's request. */
export type DiscoveryCause = 'first' | 'schedule' | 'request';

/** One look at everything the cloud lists of an account. */
export interface Discovery {
  id: string;
  cause: DiscoveryCause;
  /** Of the person who asked; a tick's has none. */
  operationId: string | null;
  requestedAt: Instant;
  /** When its first attempt began; null while it waits for its turn. */
  startedAt: Instant | null;
  /** The attempt that may write; an older one drops out. Null until the first attempt. */
  fence: number | null;
  attempts: number;
}

/** What a discovery came upon. */
export interface DiscoveryCounts {
  scopesListed: number;
  scopesFailed: number;
  /** Instances listed. */
  seen: number;
  /** Not known before. */
  added: number;
  /** Other than before, be it only in their state. */
  changed: number;
  /** Known before, and in a scope that was listed whole without them. */
  gone: number;
}

export interface EndedDiscovery extends Discovery {
  state: 'completed' | 'failed' | 'cancelled';
  /** Of a completed one. */
  counts: DiscoveryCounts | null;
  error: ErrorRecord | null;
  finishedAt: Instant;
}

/** What a data source knows of its discoveries: one runs or waits for its turn, at most one comes after it. */
export interface DiscoveryOfSource {
  intervalMinutes: number;
  /** The Temporal Schedule as it was last applied, in the form of `wantedDiscoverySchedule`. */
  scheduleApplied: string;
  current: Discovery | null;
  next: Discovery | null;
  lastAttemptAt: Instant | null;
  /** Of the last one that listed every scope. */
  lastSuccessAt: Instant | null;
  /** Why the last one failed, or which scopes it could not list; null after a success. */
  lastError: ErrorRecord | null;
  /** Discoveries that ended in this decision, for their operations; empty when read. */
  ended: EndedDiscovery[];
}

/** A data source that nobody has discovered yet. */
export function noDiscoveryYet(intervalMinutes: number): DiscoveryOfSource {
  return {
    intervalMinutes,
    scheduleApplied: 'none',
    current: null,
    next: null,
    lastAttemptAt: null,
    lastSuccessAt: null,
    lastError: null,
    ended: [],
  };
}

/** Whether there is an account to look into: bills in a directory, without credentials, have none. */
export function discovers(source: Pick<DataSource, 'cloud' | 'credentialsKind'>): boolean {
  return source.cloud !== 'aws' || source.credentialsKind !== 'none';
}

/** The discovery Schedule a data source ought to have, in the form of `wantedSchedule`. */
export function wantedDiscoverySchedule(source: Pick<DataSource, 'cloud' | 'credentialsKind' | 'state' | 'discovery'>): string {
  if (!discovers(source) || isLeaving(source)) return 'none';
  return `every ${source.discovery.intervalMinutes}${source.state === 'paused' ? ', paused' : ''}`;
}

function isLeaving({ state }: Pick<DataSource, 'state'>): boolean {
  return state === 'deleting' || state === 'deleted';
}

export interface DiscoveryWish {
  id: string;
  cause: DiscoveryCause;
  /** For a person who asks; used unless the discovery that is joined has one. */
  operationId: string | null;
}

/**
 * Asks for a discovery: joins one that no attempt has begun, for what has begun may have passed by
 * what the wish is about. Answers with the discovery that will do it.
 */
export function requestDiscovery(source: DataSource, wish: DiscoveryWish, at: Instant): { settled: Settled<DataSource>; discovery: Discovery } {
  const { current, next } = source.discovery;
  const place = current === null || current.fence === null ? 'current' : 'next';
  const waiting = place === 'current' ? current : next;
  const discovery: Discovery =
    waiting === null
      ? { ...wish, requestedAt: at, startedAt: null, fence: null, attempts: 0 }
      : { ...waiting, operationId: waiting.operationId ?? wish.operationId };
  if (waiting !== null && waiting.operationId === discovery.operationId) return { settled: unchanged(source), discovery };
  const after = withDiscovery(source, { [place]: discovery });
  const take = wish.cause === 'request' ? step : routineStep;
  return { settled: take(source, after, 'data-sources.request-discovery'), discovery };
}

/** Refuses to discover where there is no account to look into. */
export function refuseDiscoveryOf(source: DataSource): void {
  if (discovers(source)) return;
  throw new DomainError({
    kind: 'conflict',
    code: 'data-sources.nothing-to-discover',
    message: `${source.name} is a directory of bills without credentials: there is no account to look into. Reconnect it with credentials of the account.`,
  });
}

/** Ends what a data source on its way out, or one that lost its credentials, still wanted to discover, and lets the next one follow. */
export function settleDiscovery(source: DataSource, at: Instant): Settled<DataSource> {
  const { current, next } = source.discovery;
  if (isLeaving(source) || !discovers(source)) {
    const open = [current, next].filter((one) => one !== null);
    if (open.length === 0) return unchanged(source);
    const ended = open.map((one) => endOf(one, { state: 'cancelled', counts: null, error: null }, at));
    return routineStep(source, withDiscovery(source, { current: null, next: null, ended: [...source.discovery.ended, ...ended] }), 'data-sources.cancel-discovery');
  }
  if (current !== null || next === null) return unchanged(source);
  return routineStep(source, withDiscovery(source, { current: next, next: null }), 'data-sources.begin-discovery');
}

/**
 * The discovery has looked at every scope. `incomplete` names those that could not be listed, null
 * when all were. What it found is on the resources already.
 */
export function completeDiscovery(
  source: DataSource,
  id: string,
  found: { counts: DiscoveryCounts; incomplete: ErrorRecord | null },
  at: Instant,
): Settled<DataSource> {
  const { counts, incomplete } = found;
  const nothing = incomplete !== null && counts.scopesListed === 0;
  return finish(source, id, { state: nothing ? 'failed' : 'completed', counts, error: incomplete }, at);
}

/** The discovery cannot go on. What it had found until then stays. */
export function failDiscovery(source: DataSource, id: string, error: ErrorRecord, at: Instant): Settled<DataSource> {
  return finish(source, id, { state: 'failed', counts: null, error }, at);
}

type Ending = Pick<EndedDiscovery, 'state' | 'counts' | 'error'>;

/** The ledger keeps an ending only when it is news: each tick ends one. */
function finish(source: DataSource, id: string, ending: Ending, at: Instant): Settled<DataSource> {
  const { current, ended, lastError, lastSuccessAt } = source.discovery;
  if (current?.id !== id) return unchanged(source);
  const after = withDiscovery(source, {
    current: null,
    lastError: ending.error,
    lastSuccessAt: ending.error === null ? at : lastSuccessAt,
    ended: [...ended, endOf(current, ending, at)],
  });
  const news = lastError?.code !== ending.error?.code || current.cause !== 'schedule';
  const take = news ? step : routineStep;
  return take(source, after, ending.state === 'failed' ? 'data-sources.fail-discovery' : 'data-sources.complete-discovery');
}

function endOf(discovery: Discovery, ending: Ending, at: Instant): EndedDiscovery {
  return { ...discovery, ...ending, finishedAt: at };
}

export function recordDiscoverySchedule(source: DataSource, schedule: string): Settled<DataSource> {
  if (source.discovery.scheduleApplied === schedule) return unchanged(source);
  return step(source, withDiscovery(source, { scheduleApplied: schedule }), 'data-sources.apply-discovery-schedule');
}

/** Which scopes could not be listed, as the data source keeps it; null when none. */
export function incompleteDiscovery(failed: readonly { scope: string; error: ErrorRecord }[], listed: number): ErrorRecord | null {
  const [first] = failed;
  if (first === undefined) return null;
  const rest = failed.length > 1 ? `; likewise or otherwise ${failed.slice(1, 6).map(({ scope }) => scope).join(', ')}${failed.length > 6 ? ' and more' : ''}` : '';
  return {
    code: 'data-sources.discovery-incomplete',
    kind: first.error.kind,
    message: `${failed.length} of ${failed.length + listed} scopes could not be listed. ${first.scope}: ${first.error.message}${rest}`,
    details: { scopes: failed.map(({ scope, error }) => ({ scope, code: error.code })) },
  };
}

function withDiscovery(source: DataSource, changes: Partial<DiscoveryOfSource>): DataSource {
  return { ...source, discovery: { ...source.discovery, ...changes } };
}
