import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import examples from '@octokit/webhooks-examples' with { type: 'json' };
import test from 'ava';
import { isJenkinsNotification, readReport } from './reports.ts';

const AT = '2026-11-21T10:00:00.000Z';

/** A payload as its sender documents it: GitLab's webhook events, and the Notification plugin of Jenkins. */
function documented(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'testing', `${name}.json`), 'utf8')) as Record<string, unknown>;
}

function fromGitHub(event: string): Record<string, unknown>[] {
  return (examples as unknown as { name: string; examples: Record<string, unknown>[] }[]).find(({ name }) => name === event)?.examples ?? [];
}

test('a pipeline’s own JSON is taken field by field; numbers and booleans as JSON writes them', (t) => {
  t.deepEqual(readReport('json', null, { Branch: 'main', Build: 42, Healthy: true, Note: null }, AT), { Branch: 'main', Build: '42', Healthy: 'true', Note: null });
  t.deepEqual(readReport('json', null, {}, AT), {});
});

test('a body that is no object, or not flat, is refused with its field', (t) => {
  for (const body of [[], 'text', 7, null]) {
    t.throws(() => readReport('json', null, body, AT), { code: 'environments.report-not-object' });
  }
  const error = t.throws(() => readReport('json', null, { Branch: ['main'] }, AT), { code: 'environments.report-not-flat' });
  t.regex(error?.message ?? '', /^Branch: /);
});

test('GitHub’s deployment statuses tell commit, branch and status, and a success the time', (t) => {
  const [success] = fromGitHub('deployment_status');
  t.deepEqual(readReport('github', 'deployment_status', success, AT), {
    'Last deployment': '2019-05-15T15:20:55.000Z',
    Commit: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
    Branch: 'master',
    'Pipeline status': 'success',
  });
  const failed = { ...success, deployment_status: { state: 'failure', log_url: 'https://ci.example.org/1', updated_at: AT } };
  const report = readReport('github', 'deployment_status', failed, AT);
  t.false('Last deployment' in report);
  t.is(report.Pipeline, 'https://ci.example.org/1');
});

test('every example of GitHub’s workflow runs tells commit, branch, status and address', (t) => {
  const runs = fromGitHub('workflow_run');
  t.true(runs.length > 0);
  for (const body of runs) {
    const run = body.workflow_run as Record<string, string | null>;
    t.deepEqual(readReport('github', 'workflow_run', body, AT), {
      Commit: run.head_sha,
      Branch: run.head_branch,
      'Pipeline status': run.conclusion ?? run.status,
      Pipeline: run.html_url,
    });
  }
});

test('whatever else GitHub sends changes nothing, and nothing it sends fails', (t) => {
  for (const { name, examples: bodies } of examples as unknown as { name: string; examples: unknown[] }[]) {
    if (name === 'deployment_status' || name === 'workflow_run') continue;
    for (const body of bodies) t.deepEqual(readReport('github', name, body, AT), {});
  }
});

test('GitLab’s deployments and pipelines are read, the whole commit from its address', (t) => {
  t.deepEqual(readReport('gitlab', null, documented('gitlab-deployment'), AT), {
    'Last deployment': '2021-04-28T19:50:00.000Z',
    Commit: '279484c09fbe69ededfced8c1bb6e6d24616b468',
    Branch: '1.0.0',
    'Pipeline status': 'success',
    Pipeline: 'http://gitlab.example.com/root/shop/-/jobs/796',
  });
  t.deepEqual(readReport('gitlab', null, documented('gitlab-pipeline'), AT), {
    Commit: 'bcbb5ec396a2c0f828686f14fac9b80b780504f2',
    Branch: 'master',
    'Pipeline status': 'failed',
    Pipeline: 'http://gitlab.example.com/root/shop/-/pipelines/31',
  });
  t.deepEqual(readReport('gitlab', null, { object_kind: 'push', ref: 'refs/heads/main' }, AT), {});
});

test('a build that Jenkins notifies of is a deployment once it is done well; while it runs, its phase counts', (t) => {
  const done = documented('jenkins-completed');
  t.true(isJenkinsNotification(done));
  t.false(isJenkinsNotification({ build: '18' }));
  t.deepEqual(readReport('jenkins', null, done, AT), {
    'Last deployment': '2025-11-21T10:00:00.000Z',
    Commit: 'c6d86dc654b12425e706bcf951adfe5a8627a517',
    Branch: 'origin/master',
    'Pipeline status': 'SUCCESS',
    Pipeline: 'http://localhost:8080/job/shop/18/',
  });
  const started = { ...done, build: { number: 19, phase: 'STARTED', status: 'SUCCESS', url: 'job/shop/19/' } };
  t.deepEqual(readReport('jenkins', null, started, AT), { 'Pipeline status': 'STARTED', Pipeline: 'job/shop/19/' });
});
