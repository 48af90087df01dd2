import test from 'ava';
import { freshDatabase } from '../../tests/helpers/database.ts';
import { inTransaction } from './transaction.ts';
import { prepared } from './prepared.ts';
import type { Transaction } from './connection.ts';

/** Statements that the transaction's session has prepared, by their text, and how often each was run. */
async function preparedIn(tx: Transaction): Promise<{ statement: string; runs: number }[]> {
  const { rows } = await tx.raw<{ rows: { statement: string; runs: number }[] }>(
    'select statement, (generic_plans + custom_plans) as runs from pg_prepared_statements order by prepare_time',
  );
  return rows;
}

test('a session prepares a statement once and runs it with other values; what is not marked is not prepared', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  await inTransaction(db, async (tx) => {
    const answers: unknown[] = [];
    for (const value of [1, 2, 3]) {
      const { rows } = await prepared(tx.raw<{ rows: { doubled: number }[] }>('select 2 * cast(? as integer) as doubled', [value]));
      answers.push(rows[0]?.doubled);
    }
    await tx.raw('select cast(? as integer) + 1', [1]);
    t.deepEqual(answers, [2, 4, 6]);
    t.deepEqual(await preparedIn(tx), [{ statement: 'select 2 * cast($1 as integer) as doubled', runs: 3 }]);
  });
});

test('a builder whose text varies is a statement of each text', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  await inTransaction(db, async (tx) => {
    for (const ids of [['a'], ['a', 'b'], ['c']]) await prepared(tx('organizations').whereIn('id', ids).select('id'));
    t.deepEqual((await preparedIn(tx)).map(({ runs }) => runs), [2, 1]);
  });
});

test('what failed when it was to be prepared is prepared by the next call of the same session', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  const ask = async (tx: Transaction): Promise<unknown> => (await prepared(tx.raw<{ rows: unknown[] }>('select cast(? as text) as said', ['yes']))).rows[0];
  await t.throwsAsync(
    inTransaction(db, async (tx) => {
      await tx.raw('select 1 / 0').catch(() => undefined);
      await ask(tx);
    }),
    { message: /current transaction is aborted/ },
  );
  t.deepEqual(await inTransaction(db, ask), { said: 'yes' });
});

test('a column that a migration adds does not disturb a session that prepared a statement before', async (t) => {
  const { db, drop } = await freshDatabase();
  t.teardown(drop);
  await inTransaction(db, async (tx) => {
    const ask = async (): Promise<unknown[]> => await prepared(tx('organizations').where('id', 'none').select('id', 'name'));
    await ask();
    await tx.raw('alter table organizations add column added text');
    t.deepEqual(await ask(), []);
  });
});
