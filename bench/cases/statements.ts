import pg from 'pg';
import { API_POOL_MAX } from '../../api/main.ts';
import { sessionOf } from '../../db/shared/connection.ts';
import type { Prepare } from '../case.ts';
import type { Statement } from '../recording.ts';
import { percentiles } from './load.ts';

export interface StatementsInput {
  databaseUrl: string;
  /** Sent at once, over connections of their own, as the product sends them. */
  statements: Statement[];
  requests: number;
  warmUp: number;
}

/** Recorded statements alone: sent, and every row received, again and again. */
export const prepare: Prepare<StatementsInput> = async ({ databaseUrl, statements, requests, warmUp }) => {
  const pool = new pg.Pool({ ...sessionOf(databaseUrl, 'orrery-bench-statements'), max: API_POOL_MAX });
  let rows = 0;
  const once = async (): Promise<number> => {
    const began = performance.now();
    const answers = await Promise.all(statements.map(({ sql, bindings }) => pool.query(sql, bindings)));
    rows = answers.reduce((sum, answer) => sum + answer.rows.length, 0);
    return performance.now() - began;
  };
  for (let number = 0; number < warmUp; number += 1) await once();
  const latenciesMs: number[] = [];
  return {
    async run() {
      for (let number = 0; number < requests; number += 1) latenciesMs.push(await once());
    },
    async finish() {
      await pool.end();
      return { requests: latenciesMs.length, ...percentiles(latenciesMs), rows };
    },
  };
};
