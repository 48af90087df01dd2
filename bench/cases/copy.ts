import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Prepare } from '../case.ts';
import { DAILY_COLUMNS } from '../readings.ts';

/** Plain COPY of a month's daily costs, in words, into a table without any index: the least that storing them costs. */
export const prepare: Prepare<{ databaseUrl: string; path: string }> = async ({ databaseUrl, path }) => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('drop table if exists bare_costs');
  const columns = DAILY_COLUMNS.map((name) => {
    if (name === 'charge_date') return `${name} date`;
    return `${name} ${name.endsWith('_cost') || name === 'consumed_quantity' ? 'numeric' : 'text'} not null`;
  });
  await client.query(`create table bare_costs (${columns.join(', ')})`);
  let rows: number | null = null;
  return {
    async run() {
      const copy = copyFrom(`copy bare_costs from stdin with (format csv, header true, null '\\N')`);
      await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), client.query(copy));
      rows = copy.rowCount;
    },
    async finish() {
      await client.query('drop table bare_costs');
      await client.end();
      return { rows };
    },
  };
};
