import anyTest, { type TestFn } from 'ava';
import { startTestApi, type TestApi } from './api.ts';
import type { Operation } from '../../api/shared/operation.ts';

/** ava with one API for the whole file. `extra` operations are served beside the product's. */
export function apiTest(extra: Operation[] = []): TestFn<{ api: TestApi }> {
  const test = anyTest as TestFn<{ api: TestApi }>;
  test.before(async (t) => {
    t.context.api = await startTestApi(extra);
  });
  test.after.always(async (t) => {
    await t.context.api?.end();
  });
  return test;
}
