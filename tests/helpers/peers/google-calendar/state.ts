/** An event as the API has it, in the words of the discovery document. */
export interface EventResource {
  kind: 'calendar#event';
  id: string;
  etag: string;
  status: string;
  created: string;
  updated: string;
  summary?: string;
  description?: string;
  start?: EventTime;
  end?: EventTime;
  transparency?: string;
  recurrence?: string[];
  extendedProperties?: { private?: Record<string, string>; shared?: Record<string, string> };
  [other: string]: unknown;
}

export interface EventTime {
  date?: string;
  dateTime?: string;
  timeZone?: string;
}

/** What the stand-in answers in place of an event. */
export interface Refusal {
  status: number;
  reason: string;
  message: string;
  retryAfter?: string;
}

interface Kept {
  event: EventResource;
  /** Count of changes when it changed last. */
  change: number;
  /** Forgotten: neither found nor free. */
  isPurged: boolean;
}

export const NOT_FOUND: Refusal = { status: 404, reason: 'notFound', message: 'Not Found' };
const DUPLICATE: Refusal = { status: 409, reason: 'duplicate', message: 'The requested identifier already exists.' };
const DELETED: Refusal = { status: 410, reason: 'deleted', message: 'Resource has been deleted' };
const SYNC_LOST: Refusal = { status: 410, reason: 'fullSyncRequired', message: 'Sync token is no longer valid, a full sync is required.' };

/** The events of one calendar, as Google keeps them. */
export class CalendarState {
  readonly #events = new Map<string, Kept>();
  readonly #now: () => number;
  #changes = 0;
  /** Sync tokens from before are not known any more. */
  #tokensFrom = 0;
  /** When people changed it last, who listens is told. */
  onChange: () => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  insert(body: Partial<EventResource>): EventResource | Refusal {
    const id = body.id ?? `made${this.#changes}`;
    if (!/^[a-v0-9]{5,1024}$/.test(id)) return { status: 400, reason: 'invalid', message: 'Invalid resource id value.' };
    if (this.#events.has(id)) return DUPLICATE;
    const at = new Date(this.#now()).toISOString();
    const event: EventResource = { status: 'confirmed', ...body, kind: 'calendar#event', id, etag: '', created: at, updated: at };
    return this.#put(event);
  }

  get(id: string): EventResource | Refusal {
    const kept = this.#events.get(id);
    return kept === undefined || kept.isPurged ? NOT_FOUND : kept.event;
  }

  /** JSON merge patch: a list is replaced, null takes a field away. */
  patch(id: string, body: Record<string, unknown>): EventResource | Refusal {
    const kept = this.#events.get(id);
    if (kept === undefined || kept.isPurged) return NOT_FOUND;
    return this.#put(merged(kept.event, body) as EventResource);
  }

  remove(id: string): Refusal | null {
    const kept = this.#events.get(id);
    if (kept === undefined || kept.isPurged) return NOT_FOUND;
    if (kept.event.status === 'cancelled') return DELETED;
    this.#put({ ...kept.event, status: 'cancelled' });
    return null;
  }

  /** Empties the trash: the event is gone, its id is not free. */
  purge(id: string): void {
    const kept = this.#events.get(id);
    if (kept !== undefined) kept.isPurged = true;
  }

  /** Sync tokens given out so far are no longer known. */
  forgetTokens(): void {
    this.#tokensFrom = ++this.#changes;
  }

  list(query: URLSearchParams): { page: EventResource[]; nextPageToken?: string; nextSyncToken?: string } | Refusal {
    const since = Number(query.get('syncToken') ?? '-1');
    if (query.has('syncToken') && since < this.#tokensFrom) return SYNC_LOST;
    if (query.has('syncToken') && query.get('showDeleted') === 'false') return { status: 400, reason: 'invalid', message: 'showDeleted cannot be false with a sync token.' };
    const from = Number(query.get('pageToken') ?? '0');
    const size = Math.min(Number(query.get('maxResults') ?? '250'), 2500);
    const incremental = query.has('syncToken');
    const showDeleted = incremental || query.get('showDeleted') === 'true';
    const all = [...this.#events.values()].filter(({ event, change, isPurged }) => !isPurged && change > since && (showDeleted || event.status !== 'cancelled'));
    const page = all.slice(from, from + size).map(({ event }) => (incremental && event.status === 'cancelled' ? deletedOf(event) : event));
    return { page, ...(from + size < all.length ? { nextPageToken: String(from + size) } : { nextSyncToken: String(this.#changes) }) };
  }

  /** Every event that is not deleted. */
  shown(): EventResource[] {
    return [...this.#events.values()].filter(({ event, isPurged }) => !isPurged && event.status !== 'cancelled').map(({ event }) => event);
  }

  /** A person changes an event. */
  edit(id: string, body: Record<string, unknown>): void {
    const changed = this.patch(id, body);
    if (!('kind' in changed)) throw new Error(`no event ${id}`);
    this.onChange();
  }

  /** A person deletes an event. */
  delete(id: string): void {
    const refused = this.remove(id);
    if (refused !== null) throw new Error(`no event ${id}`);
    this.onChange();
  }

  /** A person makes an event. */
  make(body: Partial<EventResource>): EventResource {
    const made = this.insert(body);
    if (!('kind' in made)) throw new Error(made.message);
    this.onChange();
    return made;
  }

  #put(event: EventResource): EventResource | Refusal {
    const refused = refusedTimes(event);
    if (refused !== null) return refused;
    this.#changes += 1;
    const put: EventResource = { ...event, start: shownTime(event.start), end: shownTime(event.end), etag: `"${this.#changes}"`, updated: new Date(this.#now()).toISOString() };
    const known = this.#events.get(put.id);
    this.#events.delete(put.id);
    this.#events.set(put.id, { event: put, change: this.#changes, isPurged: known?.isPurged ?? false });
    return put;
  }
}

/** Of a deleted event the API is only sure to tell the id. */
function deletedOf({ kind, id, etag, status, created, updated }: EventResource): EventResource {
  return { kind, id, etag, status, created, updated };
}

function refusedTimes({ start, end }: EventResource): Refusal | null {
  if (start === undefined || end === undefined) return { status: 400, reason: 'required', message: 'Missing end time.' };
  const [from, to] = [start.dateTime ?? start.date ?? '', end.dateTime ?? end.date ?? ''].map(Date.parse);
  if ((start.dateTime === undefined) !== (end.dateTime === undefined)) return { status: 400, reason: 'invalid', message: 'Start and end times must either both be date or both be dateTime.' };
  return Number(to) > Number(from) ? null : { status: 400, reason: 'timeRangeEmpty', message: 'The specified time range is empty.' };
}

/** Google keeps whole seconds, and shows times in the zone of the calendar. */
function shownTime(time: EventTime | undefined): EventTime {
  if (time?.dateTime === undefined) return time ?? {};
  return { ...time, dateTime: `${new Date(Date.parse(time.dateTime) + 3_600_000).toISOString().slice(0, 19)}+01:00` };
}

function merged(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const from = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...from };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
