import pino from 'pino';
import { requestImport } from '../../commands/data-sources/request-import.ts';
import { connect } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { system } from '../../domain/shared/entity.ts';
import { entities, systemClock } from '../../workers/dependencies.ts';
import { relayOnce, wakeThrough } from '../../workers/relay.ts';
import { connectClient } from '../../workers/temporal-connection.ts';
import type { CrashOrder } from './crash.ts';

// Usage: forked by crash.ts with its order as JSON. Does one thing and kills itself at the ordered point.
const order = JSON.parse(process.argv[2] ?? '') as CrashOrder;
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('SIGKILL does not return');
};
const db = connect(order.databaseUrl, { poolMax: 2, applicationName: 'orrery-crash' });
if (order.at === 'relay before signal' || order.at === 'relay after signal') {
  const { client } = await connectClient({ temporal: order.temporal });
  const signal = wakeThrough(client, 'entities');
  const wake: typeof signal = async (wakeUp, workflowType) => {
    if (order.at === 'relay before signal') die();
    await signal(wakeUp, workflowType);
    die();
  };
  await relayOnce({ db, clock: systemClock, entities, wake, log: pino({ level: 'silent' }) });
} else {
  await inTransaction(db, async (tx) => {
    const decision = { at: systemClock.now(), by: system('crash test') };
    await requestImport(tx, order.ref, { cause: 'request', months: ['2026-10'], ...decision });
    if (order.at === 'command before commit') die();
  });
  die();
}
