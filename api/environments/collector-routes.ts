import { makeCollectorSecret, revokeCollectorSecret } from '../../commands/environments/collector.ts';
import { COLLECTOR_SETUP, SECRET_NAME } from '../../domain/environments/collector-setup.ts';
import { defineOperation } from '../shared/operation.ts';
import { environmentAnswer, environmentParams as params, ofEnvironment } from './of-environment.ts';
import { collectorSetupBody, collectorUrlBody, environmentBody } from './schemas.ts';

const tags = ['environments'];

const make = defineOperation({
  method: 'post',
  path: '/v1/environments/{id}:make-collector-url',
  id: 'makeCollectorUrl',
  summary: 'Make the address at which pipelines report what is deployed, shown this once; the one before is void at once',
  tags,
  access: ofEnvironment('manager'),
  tokenScope: 'write',
  params,
  responses: { 200: collectorUrlBody },
  handle: ({ transact, deps, organizationId, at, actor: by }, { params: { id } }) =>
    transact(async (tx) => {
      const { secret } = await makeCollectorSecret(tx, { organizationId, id }, { at, by });
      const { body, version } = await environmentAnswer(tx, organizationId, id, at);
      return { status: 200, body: { collector_url: `${deps.config.publicUrl}/v1/collect/${id}/${secret}`, environment: body }, version, holdsSecret: true };
    }),
});

const revoke = defineOperation({
  method: 'post',
  path: '/v1/environments/{id}:revoke-collector-url',
  id: 'revokeCollectorUrl',
  summary: 'Let no pipeline report any more, at once',
  tags,
  access: ofEnvironment('manager'),
  tokenScope: 'write',
  params,
  responses: { 200: environmentBody },
  handle: ({ transact, organizationId, at, actor: by }, { params: { id } }) =>
    transact(async (tx) => {
      await revokeCollectorSecret(tx, { organizationId, id }, { at, by });
      return { status: 200, ...(await environmentAnswer(tx, organizationId, id, at)) };
    }),
});

const setup = defineOperation({
  method: 'get',
  path: '/v1/environments/{id}/collector-setup',
  id: 'getCollectorSetup',
  summary: 'What to paste into a pipeline or a webhook’s settings; it holds no secret',
  tags,
  access: ofEnvironment('member'),
  tokenScope: 'read',
  params,
  responses: { 200: collectorSetupBody },
  async handle({ deps, organizationId, at }, { params: { id } }) {
    const { body } = await environmentAnswer(deps.db, organizationId, id, at);
    const { shell, gitlabCi, githubActions, jenkins, webhooks } = COLLECTOR_SETUP;
    return {
      status: 200,
      body: { made_at: body.collector_url_made_at, secret_name: SECRET_NAME, shell, gitlab_ci: gitlabCi, github_actions: githubActions, jenkins, webhooks },
    };
  },
});

export const collectorRoutes = [make, revoke, setup];
