import test from 'ava';
import type { CloudAccount, PermissionText } from '../../../domain/data-sources/cloud-ports.ts';
import { openAccount } from './world.ts';
import { namesOf } from './account-tests.ts';
import { call, callOne, discover, effective, listed, look, never, newKey, problem, reach, refusalOf, type OpenWorld } from './steps.ts';

export function testPower({ title, world }: OpenWorld): void {
  test.serial(`${title}: a start takes effect`, async (t) => {
    const ref = await world().make({ name: 'to-start', state: 'stopped' });
    t.is(await refusalOf(world(), 'start', ref), null);
    await reach(world(), ref, 'running');
    t.is(await effective(world(), ref, 'start'), 1);
  });

  test.serial(`${title}: a stop takes effect, down to where nothing is charged`, async (t) => {
    const ref = await world().make({ name: 'to-stop', state: 'running' });
    t.is(await refusalOf(world(), 'stop', ref), null);
    await reach(world(), ref, 'stopped');
    t.is(await effective(world(), ref, 'stop'), 1);
    t.is(listed(await discover(openAccount(world())), ref).state, 'stopped');
  });

  test.serial(`${title}: an instance the cloud no longer knows is observed as terminated, beside one that is there`, async (t) => {
    const gone = await world().make({ name: 'gone', state: 'running' });
    const here = await world().make({ name: 'still-here', state: 'running' });
    await world().remove(gone);
    const seen = await openAccount(world()).power.observe([gone, here], never);
    t.is(seen.get(gone.nativeId)?.state, 'terminated');
    t.is(seen.get(here.nativeId)?.state, 'running');
    t.is(seen.size, 2);
  });

  test.serial(`${title}: observing nothing asks nobody, and an aborted call ends with its reason`, async (t) => {
    const { power } = openAccount(world());
    t.is((await power.observe([], never)).size, 0);
    const ref = await world().make({ name: 'aborted', state: 'running' });
    const reason = new Error('the worker shuts down');
    const signal = AbortSignal.abort(reason);
    t.is(await t.throwsAsync(power.observe([ref], signal)), reason);
    t.is(await t.throwsAsync(power.stop([ref], newKey(), signal)), reason);
    t.is((await look(openAccount(world()), ref)).state, 'running');
  });

  for (const [action, state] of [['start', 'running'], ['stop', 'stopped']] as const) {
    test.serial(`${title}: a ${action} of what is ${state} already changes nothing`, async (t) => {
      const ref = await world().make({ name: `already-${state}`, state });
      const before = await effective(world(), ref, action);
      const refusal = await refusalOf(world(), action, ref);
      // Some clouds take it in silence, some call it a wrong state; neither may look like a failure that lasts.
      if (refusal !== null) t.is(problem(refusal), 'wrong-state');
      t.is((await reach(world(), ref, state)).state, state);
      t.is(await effective(world(), ref, action), before);
    });
  }
}

export function testBatches({ title, world }: OpenWorld): void {
  test.serial(`${title}: a batch starts and stops all its members`, async (t) => {
    const account = openAccount(world());
    const size = Math.min(account.power.batchSize, 3);
    const refs = await Promise.all(Array.from({ length: size }, (_, index) => world().make({ name: `batch-${index}`, state: 'running' })));
    for (const [action, state] of [['stop', 'stopped'], ['start', 'running']] as const) {
      const answers = await call(account, action, refs);
      t.deepEqual([...answers.values()].filter(({ accepted }) => !accepted), []);
      for (const ref of refs) await reach(world(), ref, state);
      for (const ref of refs) t.is(await effective(world(), ref, action), 1);
    }
  });

  test.serial(`${title}: a member that is gone does not keep the others from being started`, async (t) => {
    const account = openAccount(world());
    const gone = await world().make({ name: 'batch-gone', state: 'stopped' });
    const good = await world().make({ name: 'batch-good', state: 'stopped' });
    await world().remove(gone);
    if (account.power.batchSize > 1) {
      const answers = await call(account, 'start', [good, gone]);
      const bad = answers.get(gone.nativeId);
      t.is(bad?.accepted === false && problem(bad.error), 'not-found');
    }
    const alone = await callOne(account, 'start', gone);
    t.is(!alone.accepted && problem(alone.error), 'not-found');
    // Where the whole batch was refused, the good one is called again alone; where not, it starts already.
    const again = await refusalOf(world(), 'start', good);
    if (again !== null) t.is(problem(again), 'wrong-state');
    await reach(world(), good, 'running');
    t.is(await effective(world(), good, 'start'), 1);
  });
}

export function testRefusals({ title, shows, world }: OpenWorld): void {
  if (shows('stop-protection')) {
    test.serial(`${title}: stop protection is told by the listing or by the refusal`, async (t) => {
      const ref = await world().make({ name: 'protected', state: 'running', kind: 'stop-protection' });
      const { canStop } = listed(await discover(openAccount(world())), ref);
      const isTold = !canStop.allowed && canStop.reason === 'stop-protection';
      const refusal = isTold ? null : await refusalOf(world(), 'stop', ref);
      t.true(isTold || (refusal !== null && problem(refusal) === 'cannot-stop'));
      t.is((await look(openAccount(world()), ref)).state, 'running');
    });
  }

  if (shows('local-ssd')) {
    test.serial(`${title}: an instance with local disks stops when somebody chose that they may be emptied`, async (t) => {
      const ref = await world().make({ name: 'with-local-ssd', state: 'running', kind: 'local-ssd' });
      t.is(await refusalOf(world(), 'stop', { ...ref, discardLocalSsd: true }), null);
      await reach(world(), ref, 'stopped');
    });
  }

  if (!shows('permissions')) return;

  for (const [purpose, state] of [['start', 'stopped'], ['stop', 'running']] as const) {
    test.serial(`${title}: a missing permission to ${purpose} is named`, async (t) => {
      const ref = await world().make({ name: `may-not-${purpose}`, state });
      const account = await without(purpose);
      const answer = await callOne(account, purpose, ref);
      if (answer.accepted) throw new Error(`${purpose} was accepted`);
      t.is(problem(answer.error), 'missing-permission');
      t.true(namesFor(world().permissionText, purpose).includes(String(answer.error.details.permission)));
      t.true(answer.error.message.includes(String(answer.error.details.permission)));
      t.is((await look(openAccount(world()), ref)).state, state);
    });
  }

  test.serial(`${title}: a missing permission to discover is named, and calls nothing gone`, async (t) => {
    await world().make({ name: 'unseen', state: 'running' });
    const errors = await refusalsOfDiscovery(await without('discover'));
    t.true(errors.length > 0);
    for (const error of errors) {
      t.is(problem(error), 'missing-permission');
      const { permission } = (error as { details: { permission?: string } }).details;
      t.true(namesOf(world().permissionText).includes(permission ?? ''));
    }
  });

  async function without(purpose: 'start' | 'stop' | 'discover'): Promise<CloudAccount> {
    const text = world().permissionText;
    const removed = namesFor(text, purpose);
    const rest = namesOf(text).filter((name) => !removed.includes(name));
    return openAccount(world(), await world().withPermissions(rest));
  }
}

/** A discovery that may list nothing either throws or says `failed` for each scope it knows. */
async function refusalsOfDiscovery(account: CloudAccount): Promise<unknown[]> {
  try {
    const { steps } = await discover(account);
    if (steps.some(({ kind }) => kind === 'listed')) throw new Error('a scope counts as listed though nothing of it may be read');
    return steps.flatMap((step) => (step.kind === 'failed' ? [step.error] : []));
  } catch (error) {
    return [error];
  }
}

function namesFor({ permissions }: PermissionText, purpose: PermissionText['permissions'][number]['purpose']): string[] {
  return permissions.filter((one) => one.purpose === purpose).map(({ name }) => name);
}
