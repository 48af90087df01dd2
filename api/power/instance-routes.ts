import { holdInstance, releaseInstance, type HoldWish } from '../../commands/power/hold-instances.ts';
import { claimsOf } from '../../db/power/claim-store.ts';
import { powerStatesOf } from '../../db/power/power-state-store.ts';
import { membershipsOf } from '../../db/power-schedules/member-store.ts';
import { organizationOfResource } from '../../db/resources/resource-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { idOf } from '../shared/fields.ts';
import { defineOperation, type RequestContext } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';
import { heldBody, holdInput, powerBody } from './schemas.ts';
import { powerView, runView } from './views.ts';

const tags = ['power'];
const params = z.strictObject({ id: idOf('resource') });
const ofInstance = (role: 'member' | 'engineer') => ({
  kind: 'organization' as const,
  role,
  scopeFrom: ({ db }: RequestContext['deps'], { id }: { id: string }) => organizationOfResource(db, id),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/instances/{id}/power',
  id: 'getInstancePower',
  summary: 'What is wanted of an instance, by whom, and whether it is there',
  tags,
  access: ofInstance('member'),
  tokenScope: 'read',
  params,
  responses: { 200: powerBody },
  handle: async ({ deps, organizationId }, { params: { id } }) => ({ status: 200, body: await powerOf(deps.db, organizationId, id) }),
});

/** A hold asks for nothing to be done: what comes of it comes of its claim. */
const CAUSES = { on: 'start', off: 'stop', 'as-it-is': 'claim' } as const;

function verb(name: 'start' | 'stop' | 'hold', wanted: HoldWish['wanted'], summary: string) {
  return defineOperation({
    method: 'post',
    path: `/v1/instances/{id}:${name}`,
    id: `${name}Instance`,
    summary,
    description: 'People win: schedules and bookings wait until the hold ends, with the next trigger or at the given instant.',
    tags,
    access: ofInstance('engineer'),
    tokenScope: 'write',
    params,
    body: holdInput,
    responses: { 202: heldBody },
    handle: (context, { params: { id }, body }) =>
      context.transact(async (tx) => {
        const { organizationId, at, actor: by } = context;
        const cause = CAUSES[wanted];
        const { run } = await holdInstance(tx, organizationId, { resourceId: id, wanted, ...body }, { at, by, cause, withOperation: true });
        const operation = run?.run.operationId ?? null;
        return {
          status: 202,
          body: { power: await powerOf(tx, organizationId, id), power_run: run === null ? null : runView(run.run) },
          headers: operation === null ? undefined : { Location: `/v1/operations/${operation}` },
        };
      }),
  });
}

const release = defineOperation({
  method: 'post',
  path: '/v1/instances/{id}:release',
  id: 'releaseInstance',
  summary: 'End the hold: the next claim in line applies',
  tags,
  access: ofInstance('engineer'),
  tokenScope: 'write',
  params,
  body: z.strictObject({}).openapi('ReleaseInstance'),
  responses: { 202: heldBody },
  handle: (context, { params: { id } }) =>
    context.transact(async (tx) => {
      const { organizationId, at, actor: by } = context;
      const run = await releaseInstance(tx, organizationId, id, { at, by, withOperation: true });
      return { status: 202, body: { power: await powerOf(tx, organizationId, id), power_run: run === null ? null : runView(run.run) } };
    }),
});

async function powerOf(db: Database | Transaction, organizationId: string, resourceId: string) {
  const [state = null] = await powerStatesOf(db, organizationId, [resourceId]);
  const claims = await claimsOf(db, organizationId, [resourceId]);
  const membership = (await membershipsOf(db, organizationId, [resourceId])).get(resourceId);
  return powerView(resourceId, { state, claims, scheduleId: membership?.scheduleId ?? null });
}

export const instancePowerRoutes = [
  get,
  verb('start', 'on', 'Start an instance and keep it on'),
  verb('stop', 'off', 'Stop an instance and keep it off'),
  verb('hold', 'as-it-is', 'Keep an instance as it is'),
  release,
];
