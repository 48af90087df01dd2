import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { apiTest } from '../helpers/api-test.ts';
import { PUBLIC_URL, type TestApi } from '../helpers/api.ts';
import { insertEnvironment } from '../helpers/bookings.ts';

const test = apiTest();

/** What a branch or a message may be called by whoever wants to break out of a shell, of JSON or of jq. */
const HOSTILE = [
  `main"; touch "$MARK"; echo "`,
  `'; touch "$MARK"; '`,
  '$(touch "$MARK")`touch "$MARK"`',
  '"}, {"Owned": "yes',
  String.raw`back\slash \n \" \u0000 $deployed`,
  'line one\nline two\ttabbed',
  'zoë/日本語/🦊',
  '-n --arg @file',
  '',
];

interface Setup {
  shell: string;
  gitlab_ci: string;
  github_actions: string;
  jenkins: string;
}

interface Site {
  id: string;
  token: string;
  collectorUrl: string;
  setup: Setup;
  /** Runs a script as a runner would; answers with its exit code and what it printed. */
  run(script: string, variables: Record<string, string>, shell?: string[]): Promise<{ code: number | null; output: string; broken: boolean }>;
}

async function site(api: TestApi, t: { teardown(end: () => void): void }): Promise<Site> {
  const organizationId = await api.organization();
  const { token } = await api.member(organizationId, 'manager');
  const id = await insertEnvironment(api.db, organizationId, {}, api.clock.now());
  const made = await api.call(`/v1/environments/${id}:make-collector-url`, { method: 'POST', token });
  const { body: setup } = await api.call(`/v1/environments/${id}/collector-setup`, { token });
  const directory = mkdtempSync(join(tmpdir(), 'orrery-snippet-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return {
    id,
    token,
    collectorUrl: (made.body.collector_url as string).replace(PUBLIC_URL, api.baseUrl),
    setup,
    run: (script, variables, shell = ['sh', '-e']) => runScript(directory, [...shell, '-c', script], variables),
  };
}

async function runScript(directory: string, [command = 'sh', ...words]: string[], variables: Record<string, string>) {
  const mark = join(directory, 'broken');
  const child = spawn(command, words, { cwd: directory, env: { PATH: process.env.PATH, MARK: mark, ...variables } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output, broken: existsSync(mark) };
}

/** The shell that a runner takes out of what was pasted. */
const SCRIPTS: Record<string, (setup: Setup) => string> = {
  gitlab: ({ gitlab_ci }) => (parse(gitlab_ci) as { report_environment: { script: string[] } }).report_environment.script.join('\n'),
  github: ({ github_actions }) => (parse(github_actions) as { run: string }[])[0]?.run ?? '',
  // What stands between three single quotes is Groovy text: without a backslash it means itself.
  jenkins: ({ jenkins }) => /sh '''\n([^\\]*?)'''/.exec(jenkins)?.[1] ?? '',
};

const VARIABLES: Record<string, (commit: string, branch: string, pipeline: string) => Record<string, string>> = {
  gitlab: (commit, branch, pipeline) => ({ CI_COMMIT_SHA: commit, CI_COMMIT_REF_NAME: branch, CI_PIPELINE_URL: pipeline }),
  github: (commit, branch, pipeline) => ({ GITHUB_SHA: commit, GITHUB_REF_NAME: branch, GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'a/b', GITHUB_RUN_ID: pipeline }),
  jenkins: (commit, branch, pipeline) => ({ GIT_COMMIT: commit, GIT_BRANCH: branch, BUILD_URL: pipeline }),
};

for (const sender of Object.keys(SCRIPTS)) {
  test(`what is pasted into ${sender} reports every value as it is, and runs none of it`, async (t) => {
    const { api } = t.context;
    const { id, token, collectorUrl, setup, run } = await site(api, t);
    const script = SCRIPTS[sender]?.(setup) ?? '';
    t.not(script, '');
    for (const [index, value] of HOSTILE.entries()) {
      const other = HOSTILE[(index + 3) % HOSTILE.length] ?? '';
      const ran = await run(script, { ORRERY_COLLECTOR_URL: collectorUrl, ...VARIABLES[sender]?.(value, other, value) });
      t.deepEqual([ran.code, ran.output, ran.broken], [0, '', false]);
      const { properties } = (await api.call(`/v1/environments/${id}`, { token })).body;
      t.deepEqual(Object.keys(properties).toSorted(), ['Branch', 'Commit', 'Last deployment', 'Pipeline', 'Pipeline status']);
      t.is(properties.Commit, value);
      t.is(properties.Branch, other);
      t.is(properties.Pipeline, sender === 'github' ? `https://github.com/a/b/actions/runs/${value}` : value);
      t.true(Math.abs(Date.parse(properties['Last deployment']) - Date.parse(api.clock.now())) < 3_600_000);
    }
  });
}

test('a snippet fails the pipeline’s step when the report is refused, and when the variable is not set', async (t) => {
  const { setup, collectorUrl, run } = await site(t.context.api, t);
  const script = SCRIPTS.gitlab?.(setup) ?? '';
  const variables = VARIABLES.gitlab?.('c', 'main', 'p') ?? {};
  t.not((await run(script, { ORRERY_COLLECTOR_URL: `${collectorUrl}x`, ...variables })).code, 0);
  t.not((await run(script, variables)).code, 0);
  t.not((await run(script, { ORRERY_COLLECTOR_URL: collectorUrl, ...variables, CI_COMMIT_REF_NAME: 'x'.repeat(2001) })).code, 0);
});

test('the plain shell snippet reports from a checkout', async (t) => {
  const { api } = t.context;
  const { id, token, collectorUrl, setup, run } = await site(api, t);
  const git = 'git init -q -b topic . && git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m first';
  const ran = await run(`${git}\n${setup.shell}\ngit rev-parse HEAD`, { ORRERY_COLLECTOR_URL: collectorUrl, HOME: '/nonexistent' });
  t.is(ran.code, 0);
  const { properties } = (await api.call(`/v1/environments/${id}`, { token })).body;
  t.is(properties.Commit, ran.output.trim());
  t.is(properties.Branch, 'topic');
});

test('setup text holds no secret', async (t) => {
  const { setup, collectorUrl } = await site(t.context.api, t);
  const secret = collectorUrl.split('/').at(-1) ?? '';
  t.false(JSON.stringify(setup).includes(secret));
});
