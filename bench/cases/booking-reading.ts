import { z } from '../../api/shared/zod.ts';
import type { Prepare } from '../case.ts';
import { percentiles, runLoad, type Load, type LoadResult } from './load.ts';
import { startServer, type ServerInput } from './server-process.ts';

export interface ReadingInput extends Omit<Load, 'url'>, ServerInput {
  path: string;
  warmUp: number;
  /** What the answer is. */
  kind: Reading;
}

/** Answers with hundreds of kilobytes: availability, the calendar as JSON and as iCalendar. */
export type Reading = 'availability' | 'calendar' | 'feed';

const availability = z.object({ environments: z.array(z.object({ free: z.array(z.unknown()), booked_seconds: z.number() })) });
const calendar = z.object({ environments: z.array(z.unknown()), bookings: z.array(z.unknown()) });

/** What of an answer can be compared with the database. */
const SUMMARIES: Record<Reading, (body: string) => Record<string, number>> = {
  availability(body) {
    const { environments } = availability.parse(JSON.parse(body));
    const sum = (of: (one: (typeof environments)[number]) => number): number => environments.reduce((total, one) => total + of(one), 0);
    return { environments: environments.length, freePeriods: sum(({ free }) => free.length), bookedHours: sum((one) => one.booked_seconds) / 3600 };
  },
  calendar(body) {
    const { environments, bookings } = calendar.parse(JSON.parse(body));
    return { environments: environments.length, bookings: bookings.length };
  },
  feed: (body) => ({ bookings: body.split('BEGIN:VEVENT\r\n').length - 1 }),
};

/** One reading of the product's API at a time, over one connection. */
export const prepare: Prepare<ReadingInput> = async ({ databaseUrl, directory, path, warmUp, kind, ...load }) => {
  const server = await startServer('product-server.ts', { databaseUrl, directory });
  const url = `${server.url}${path}`;
  await runLoad({ ...load, url, requests: warmUp });
  let result: LoadResult = { latenciesMs: [], body: '' };
  return {
    async run() {
      result = await runLoad({ ...load, url });
    },
    async finish() {
      await server.stop();
      return { requests: result.latenciesMs.length, ...percentiles(result.latenciesMs), bytes: Buffer.byteLength(result.body), ...SUMMARIES[kind](result.body) };
    },
  };
};
