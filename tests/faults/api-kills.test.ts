import test from 'ava';
import { bootstrapAdministrator } from '../../commands/identity/bootstrap.ts';
import { freePort } from '../../tools/start/ports.ts';
import { systemClock } from '../../workers/dependencies.ts';
import { soak } from '../helpers/environment.ts';
import { platform } from '../helpers/platform.ts';
import { randomOf } from '../helpers/random.ts';
import { startWorkerProcess } from '../helpers/worker-process.ts';

const REQUESTS = soak ? 500 : 60;
const CALLERS = 6;

test('requests repeated under their Idempotency-Key while the API is killed each take effect once', async (t) => {
  t.timeout(soak ? 600_000 : 120_000);
  const port = await freePort();
  const site = await platform((config) => ({ ...config, http: { host: '127.0.0.1', port, publicUrl: `http://127.0.0.1:${port}` } }));
  const { token } = await bootstrapAdministrator(site.db, systemClock, { withSample: false });
  const before = (await site.db('organizations')).length;
  let api = startWorkerProcess(site.config, 'api');
  const random = randomOf(7);
  let open = REQUESTS;
  const repeats: number[] = [];

  /** Sends the same request under the same key until it is answered. */
  const create = async (index: number): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/organizations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `create-${index}` },
        body: JSON.stringify({ name: `Organization ${index}` }),
      }).catch(() => null);
      if (answer?.status === 201) {
        open -= 1;
        repeats.push(attempt);
        return;
      }
      // 409: the killed call's connection still holds the key's lock for a moment.
      if (answer !== null && ![409, 503].includes(answer.status)) throw new Error(`${answer.status}: ${await answer.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 50));
    }
  };
  const caller = async (first: number): Promise<void> => {
    for (let index = first; index < REQUESTS; index += CALLERS) await create(index);
  };
  try {
    const calls = Promise.all(Array.from({ length: CALLERS }, (_, first) => caller(first)));
    calls.catch(() => undefined);
    for (let kill = 0; kill < 4; kill += 1) {
      await api.ready;
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 120));
      await api.kill();
      api = startWorkerProcess(site.config, 'api');
    }
    await calls;
    t.is(open, 0);
    t.true(Math.max(...repeats) > 1, 'the kills met requests');
    const names = (await site.db('organizations').select<{ name: string }[]>('name')).map(({ name }) => name);
    t.is(names.length, before + REQUESTS);
    t.is(new Set(names).size, names.length);
    const entries = await site.db('ledger').where('action', 'like', 'organizations.create%');
    t.is(entries.length, names.length);
  } finally {
    await api.kill();
    await site.end();
  }
});
