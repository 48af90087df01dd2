import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { calendarFigures } from '../db/calendar/calendar-store.ts';
import { nextClaimEdge } from '../db/power/power-state-store.ts';
import { nextScheduleDue } from '../db/power-schedules/schedule-store.ts';
import { nextHoldExpiry } from '../db/quotas/allocation-store.ts';
import type { Database } from '../db/shared/connection.ts';
import { wakeUpBacklog } from '../db/shared/wake-up-store.ts';
import type { Clock, Instant } from '../domain/shared/time.ts';

/** The reconciler looks each minute; after this long without success it does not. */
const RECONCILER_LATE_MS = 5 * 60_000;

/** What the monitor asks the parts of this process. */
export interface MonitoredParts {
  db: Database;
  clock: Clock;
  log: Logger;
  /** The Temporal worker of each queue: its state in the SDK's words, and the activities it runs. */
  workers(): { queue: string; state: string; activities: number }[];
  /** When a reconciliation last ended well; null before the first. */
  reconciledAt(): Instant | null;
}

export interface RunningMonitor {
  url: string;
  stop(): Promise<void>;
}

/**
 * Answers about this workers process over HTTP: `/healthz` that it lives; `/readyz` whether it works (its database
 * answers, every Temporal worker runs, the reconciler succeeded within five minutes), 503 if not, with the relay's
 * backlog; `/metrics` the same for Prometheus. @throws when the port is taken.
 */
export async function startMonitor(parts: MonitoredParts, { host, port }: { host: string; port: number }): Promise<RunningMonitor> {
  const metrics = metricsOf(parts);
  const server = createServer((request, response) => {
    answer(request.url ?? '/', response, parts, metrics).catch((error: unknown) => {
      parts.log.warn({ err: error, url: request.url }, 'the monitor could not answer');
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function answer(path: string, response: ServerResponse, parts: MonitoredParts, metrics: ReturnType<typeof metricsOf>): Promise<void> {
  if (path === '/healthz') return send(response, 200, { status: 'ok' });
  if (path === '/readyz') {
    const { ready, ...report } = await readiness(parts);
    return send(response, ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', ...report });
  }
  if (path !== '/metrics') return send(response, 404, { status: 'not found', paths: ['/healthz', '/readyz', '/metrics'] });
  const text = await metrics.text();
  response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}

interface Readiness {
  ready: boolean;
  database: boolean;
  /** Null when the database does not answer. */
  wake_ups: { count: number; oldest_age_seconds: number } | null;
  reconciler: { last_success_at: Instant | null };
  workers: Record<string, string>;
}

async function readiness(parts: MonitoredParts): Promise<Readiness> {
  const wakeUps = await backlogOf(parts);
  const reconciledAt = parts.reconciledAt();
  const workers = parts.workers();
  const reconciles = reconciledAt !== null && Date.parse(parts.clock.now()) - Date.parse(reconciledAt) < RECONCILER_LATE_MS;
  return {
    ready: wakeUps !== null && reconciles && workers.every(({ state }) => state === 'RUNNING'),
    database: wakeUps !== null,
    wake_ups: wakeUps,
    reconciler: { last_success_at: reconciledAt },
    workers: Object.fromEntries(workers.map(({ queue, state }) => [queue, state])),
  };
}

async function backlogOf({ db, clock, log }: MonitoredParts): Promise<{ count: number; oldest_age_seconds: number } | null> {
  try {
    const { count, oldestAt } = await wakeUpBacklog(db);
    return { count, oldest_age_seconds: oldestAt === null ? 0 : Math.max(0, (Date.parse(clock.now()) - Date.parse(oldestAt)) / 1000) };
  } catch (error) {
    log.warn({ err: error }, 'the monitor cannot count wake-ups');
    return null;
  }
}

/** How long what is due the longest has waited for its sweep, in seconds; NaN when the database does not tell. */
async function overdue({ db, clock, log }: MonitoredParts, what: string, ask: (db: Database) => Promise<(Instant | null)[]>): Promise<number> {
  try {
    const due = (await ask(db)).flatMap((at) => (at === null ? [] : Date.parse(at)));
    return due.length === 0 ? 0 : Math.max(0, (Date.parse(clock.now()) - Math.min(...due)) / 1000);
  } catch (error) {
    log.warn({ err: error }, `the monitor cannot tell what waits for the sweep of ${what}`);
    return Number.NaN;
  }
}

const powerDue = async (db: Database): Promise<(Instant | null)[]> => await Promise.all([nextScheduleDue(db), nextClaimEdge(db)]);
const quotasDue = async (db: Database): Promise<(Instant | null)[]> => [await nextHoldExpiry(db)];

/** What waits for calendars; null when the database does not tell. */
async function calendarBacklog({ db, clock, log }: MonitoredParts): Promise<{ broken: number; waiting: number; oldest: number } | null> {
  try {
    const { broken, waiting, oldestAt } = await calendarFigures(db);
    return { broken, waiting, oldest: oldestAt === null ? 0 : Math.max(0, (Date.parse(clock.now()) - Date.parse(oldestAt)) / 1000) };
  } catch (error) {
    log.warn({ err: error }, 'the monitor cannot tell what waits for calendars');
    return null;
  }
}

/** Metrics of this process; answers a function that reads all of them anew and gives Prometheus' text. */
function metricsOf(parts: MonitoredParts): { contentType: string; text(): Promise<string> } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge => new Gauge({ name, help, labelNames, registers: [registry] });
  const wakeUps = gauge('orrery_wake_ups', 'Wake-ups that the relay has not delivered yet; NaN without a database.');
  const oldest = gauge('orrery_wake_ups_oldest_age_seconds', 'Age of the oldest wake-up not delivered yet; NaN without a database.');
  const power = gauge('orrery_power_overdue_seconds', 'How long the power schedule or claim due the longest has waited for the sweep; NaN without a database.');
  const holds = gauge('orrery_quota_holds_overdue_seconds', 'How long the hold of quota that expired the longest ago has waited for the sweep; NaN without a database.');
  const calendars = gauge('orrery_calendars_broken', 'Calendars that somebody has to put right; NaN without a database.');
  const calendarEvents = gauge('orrery_calendar_events_waiting', 'Events that calendars do not show as bookings want them yet; NaN without a database.');
  const calendarOldest = gauge('orrery_calendar_events_oldest_age_seconds', 'How long the oldest of these events has waited; NaN without a database.');
  const reconciled = gauge('orrery_reconciler_last_success_timestamp_seconds', 'When a reconciliation last ended well here, in Unix time; 0 before the first.');
  const running = gauge('orrery_worker_running', 'Whether the Temporal worker of a task queue runs.', ['queue']);
  const activities = gauge('orrery_worker_activities', 'Activities that run now, by task queue.', ['queue']);
  return {
    contentType: registry.contentType,
    async text() {
      const backlog = await backlogOf(parts);
      wakeUps.set(backlog?.count ?? Number.NaN);
      oldest.set(backlog?.oldest_age_seconds ?? Number.NaN);
      power.set(await overdue(parts, 'power', powerDue));
      holds.set(await overdue(parts, 'quotas', quotasDue));
      const shown = await calendarBacklog(parts);
      calendars.set(shown?.broken ?? Number.NaN);
      calendarEvents.set(shown?.waiting ?? Number.NaN);
      calendarOldest.set(shown?.oldest ?? Number.NaN);
      reconciled.set(Date.parse(parts.reconciledAt() ?? '1970-01-01T00:00:00Z') / 1000);
      for (const worker of parts.workers()) {
        running.set({ queue: worker.queue }, worker.state === 'RUNNING' ? 1 : 0);
        activities.set({ queue: worker.queue }, worker.activities);
      }
      return await registry.metrics();
    },
  };
}
