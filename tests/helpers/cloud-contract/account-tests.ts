import test from 'ava';
import { inspect } from 'node:util';
import type { PermissionText } from '../../../domain/data-sources/cloud-ports.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import { openAccount, type ContractInstanceKind } from './world.ts';
import { discover, listed, never, problem, refOf, type OpenWorld } from './steps.ts';

export function testConnecting({ title, shows, world }: OpenWorld): void {
  test.serial(`${title}: a check tells which account the credentials belong to`, async (t) => {
    const { provider, connection, credentials, accountId, cloud } = world();
    t.is(provider.cloud, cloud);
    provider.refuseMalformed(connection, credentials);
    t.is((await provider.check(connection, credentials, never)).accountId, accountId);
  });

  if (!shows('credentials')) return;

  test.serial(`${title}: wrong credentials are refused as such, without the secret in the error`, async (t) => {
    const { provider, connection, wrongCredentials } = world();
    const error = await t.throwsAsync(provider.check(connection, wrongCredentials, never), { instanceOf: DomainError });
    t.is(problem(error), 'bad-credentials');
    const everything = inspect(error, { depth: 20, showHidden: true });
    for (const secret of secretsOf(wrongCredentials)) t.false(everything.includes(secret));
  });

  test.serial(`${title}: malformed credentials are refused by the name of the field`, async (t) => {
    const { provider, connection, malformedCredentials } = world();
    const error = t.throws(() => provider.refuseMalformed(connection, malformedCredentials), { instanceOf: DomainError });
    t.is(error.kind, 'invalid-input');
    t.is(error.fields.length, 1);
    await t.throwsAsync(provider.check(connection, malformedCredentials, never), { code: error.code });
  });

  test.serial(`${title}: with wrong credentials nothing is listed and nothing is called gone`, async (t) => {
    const account = openAccount(world(), world().wrongCredentials);
    t.is(problem(await t.throwsAsync(discover(account))), 'bad-credentials');
  });
}

function secretsOf(credentials: object | null): string[] {
  const fields = (credentials ?? {}) as Record<string, unknown>;
  return ['secret_access_key', 'client_secret', 'private_key', 'access_key_secret'].flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' ? [value] : [];
  });
}

export function testDiscovery(open: OpenWorld): void {
  const { title, shows, world } = open;

  test.serial(`${title}: an instance is listed with all that is known of it, and can be called by it`, async (t) => {
    const running = await world().make({ name: 'listed', state: 'running', tags: { Team: 'Blue green', empty: '' } });
    const stopped = await world().make({ name: 'listed-stopped', state: 'stopped' });
    const account = openAccount(world());
    const listing = await discover(account);
    const found = listed(listing, running);
    t.like(found, { accountId: world().accountId, regionId: running.regionId, name: 'listed', state: 'running', canStop: { allowed: true } });
    t.like(found.tags, { Team: 'Blue green', empty: '' });
    t.deepEqual(found.handle, running.handle);
    t.not(found.instanceType, '');
    if (shows('zones')) t.regex(found.zone ?? '', /./);
    t.is(found.launchedAt, new Date(found.launchedAt ?? '').toISOString());
    t.is(listed(listing, stopped).state, 'stopped');
    t.deepEqual(listing.steps.at(-1)?.kind, 'listed');
    const seen = await account.power.observe([refOf(found)], never);
    t.is(seen.get(running.nativeId)?.state, 'running');
  });

  test.serial(`${title}: an instance that is gone is listed no more, and its scope is listed to the end`, async (t) => {
    const ref = await world().make({ name: 'leaving', state: 'running' });
    const stays = await world().make({ name: 'staying', state: 'running' });
    const before = await discover(openAccount(world()));
    await world().remove(ref);
    const after = await discover(openAccount(world()));
    t.is(after.instances.get(ref.nativeId)?.state ?? 'terminated', 'terminated');
    t.is(listed(after, stays).state, 'running');
    t.true(after.steps.some((step) => step.kind === 'listed' && step.scope === before.scopes.get(ref.nativeId)));
  });

  if (shows('pages')) {
    test.serial(`${title}: more instances than a page holds are all listed and all observed`, async (t) => {
      const refs = await Promise.all(
        Array.from({ length: world().pageSize + 1 }, (_, index) => world().make({ name: `page-${index}`, state: 'running' })),
      );
      const account = openAccount(world());
      const listing = await discover(account);
      t.deepEqual(refs.filter((ref) => !listing.instances.has(ref.nativeId)), []);
      const scope = listing.scopes.get(refs[0]?.nativeId ?? '');
      t.true(listing.steps.filter((step) => step.kind === 'instances' && step.scope === scope).length > 1, 'it came in pages');
      const seen = await account.power.observe(refs, never);
      t.deepEqual([...new Set([...seen.values()].map(({ state }) => state))], ['running']);
      t.is(seen.size, refs.length);
    });
  }

  testScopes(open);
  testCanStop(open);
}

function testScopes({ title, shows, world }: OpenWorld): void {
  test.serial(`${title}: a scope that cannot be listed is told as failed, the others are listed whole`, async (t) => {
    const here = await world().make({ name: 'here', state: 'running' });
    const there = shows('several-scopes') ? await world().make({ name: 'there', state: 'running', elsewhere: true }) : null;
    const scopes = (await discover(openAccount(world()))).scopes;
    const failing = scopes.get(here.nativeId) ?? '';
    await world().failScope(failing);
    const { steps, instances } = await discover(openAccount(world()));
    const ends = steps.filter((step) => step.kind !== 'instances' && step.scope === failing);
    t.deepEqual(ends.map(({ kind }) => kind), ['failed']);
    for (const step of ends) if (step.kind === 'failed') t.regex(problem(step.error), /./);
    if (there !== null) {
      t.not(scopes.get(there.nativeId), failing);
      t.true(instances.has(there.nativeId));
      t.true(steps.some((step) => step.kind === 'listed' && step.scope === scopes.get(there.nativeId)));
    }
    const again = await discover(openAccount(world()));
    t.false(again.steps.some((step) => step.kind === 'failed'));
    t.true(again.instances.has(here.nativeId));
  });

  test.serial(`${title}: an aborted discovery ends with the reason`, async (t) => {
    const reason = new Error('the worker shuts down');
    const controller = new AbortController();
    controller.abort(reason);
    const steps = openAccount(world()).catalog.discover(controller.signal)[Symbol.asyncIterator]();
    t.is(await t.throwsAsync(async () => steps.next()), reason);
  });
}

/** `stop-protection` is not told by every listing: see the tests of refusals. */
const TOLD_BY_LISTING: Exclude<ContractInstanceKind, 'plain' | 'stop-protection'>[] = [
  'scaling-group',
  'one-time-spot',
  'instance-store-root',
  'local-ssd',
];

function testCanStop({ title, shows, world }: OpenWorld): void {
  for (const kind of TOLD_BY_LISTING.filter((kind) => shows(kind))) {
    test.serial(`${title}: an instance that must not be stopped says why: ${kind}`, async (t) => {
      const ref = await world().make({ name: kind, state: 'running', kind });
      const { canStop } = listed(await discover(openAccount(world())), ref);
      t.like(canStop, { allowed: false, reason: kind });
      if (!canStop.allowed) t.regex(canStop.detail, /./);
    });
  }
}

export function testRecordedPermissions({ title, shows, world }: OpenWorld): void {
  if (!shows('permissions')) return;

  test.serial(`${title}: the permission text names exactly what the calls asked for`, async (t) => {
    const asked = [...new Set(await world().recordedPermissions())].sort();
    t.deepEqual(namesOf(world().permissionText), asked);
  });
}

export function namesOf({ permissions }: PermissionText): string[] {
  return [...new Set(permissions.map(({ name }) => name))].sort();
}
