import pino from 'pino';
import { API_POOL_MAX, startApi } from '../api/main.ts';
import { connect } from '../db/shared/connection.ts';
import { benchConfig, type Place } from './cases/config.ts';

/** A statement as the driver gets it. */
export interface Statement {
  sql: string;
  bindings: unknown[];
}

interface QueryEvent extends Statement {
  __knexTxId?: string;
}

/**
 * Lets the product answer one request and takes down what it sends to the database: the statements of
 * its one transaction, BEGIN to COMMIT, and those outside of it, each in their order.
 */
export async function recordStatements(place: Place, path: string, request: RequestInit): Promise<{ transaction: Statement[]; outside: Statement[] }> {
  const config = benchConfig(place);
  const db = connect(config.databaseUrl, { poolMax: API_POOL_MAX, applicationName: 'orrery-bench-record' });
  const api = await startApi({ ...config, http: { ...config.http, port: 0 } }, pino({ level: 'silent' }), db);
  const heard: QueryEvent[] = [];
  db.on('query', ({ sql, bindings, __knexTxId }: QueryEvent) => {
    heard.push({ sql, bindings: bindings ?? [], ...(__knexTxId !== undefined && { __knexTxId }) });
  });
  try {
    const answer = await fetch(`${api.url}${path}`, request);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  } finally {
    await api.stop();
  }
  const plain = ({ sql, bindings }: QueryEvent): Statement => ({ sql, bindings });
  const transaction = heard.filter(({ __knexTxId }) => __knexTxId !== undefined);
  const [first, last] = [transaction[0]?.sql, transaction.at(-1)?.sql];
  if (transaction.length > 0 && (first !== 'BEGIN;' || last !== 'COMMIT;' || new Set(transaction.map((one) => one.__knexTxId)).size !== 1)) {
    throw new Error(`${path} was to be one transaction, and is ${transaction.map(({ sql }) => sql.slice(0, 40)).join(' | ')}`);
  }
  return { transaction: transaction.map(plain), outside: heard.filter(({ __knexTxId }) => __knexTxId === undefined).map(plain) };
}
