import { invalidField } from '../shared/errors.ts';
import { toInstant, type Instant } from '../shared/time.ts';
import type { PropertyPatch } from './properties.ts';

/** Who a report comes from: a pipeline's own JSON, or a webhook of a known form. */
export const SENDERS = ['json', 'github', 'gitlab', 'jenkins'] as const;
export type Sender = (typeof SENDERS)[number];

/** The properties that webhooks set. */
export const REPORTED = {
  deployed: 'Last deployment',
  commit: 'Commit',
  branch: 'Branch',
  status: 'Pipeline status',
  pipeline: 'Pipeline',
} as const;

type Json = Record<string, unknown>;

/** Whether a body has the form of Jenkins's Notification plugin, which sends no header of its own. Flat JSON holds no object. */
export function isJenkinsNotification(body: unknown): boolean {
  return isObject(body) && isObject(body.build);
}

/**
 * What a report does to an environment's properties; empty when it is about nothing they tell. Refuses
 * a body that is no object, and of a pipeline's own JSON values that are lists or objects.
 *
 * - `json`: each field is a property; text as it is, numbers and booleans as JSON writes them, null deletes.
 * - `github`: `deployment_status` and `workflow_run` (docs.github.com, Webhook events and payloads).
 * - `gitlab`: Deployment and Pipeline events (docs.gitlab.com, Webhook events).
 * - `jenkins`: the Notification plugin's JSON (plugins.jenkins.io/notification).
 *
 * @param event the sender's name of the event, from its header; null where there is none.
 * @param at when the report came in: the time of a deployment that does not tell its own.
 */
export function readReport(sender: Sender, event: string | null, body: unknown, at: Instant): PropertyPatch {
  if (!isObject(body)) throw invalidField('environments.report-not-object', 'body', 'must be a JSON object, such as {"Branch": "main"}');
  if (sender === 'github') return ofGitHub(event, body);
  if (sender === 'gitlab') return ofGitLab(body, at);
  if (sender === 'jenkins') return ofJenkins(body, at);
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, flatValue(name, value)]));
}

function flatValue(name: string, value: unknown): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw invalidField('environments.report-not-flat', name.slice(0, 64), 'is a list or an object; send text, a number, true, false or null');
}

function ofGitHub(event: string | null, body: Json): PropertyPatch {
  if (event === 'deployment_status') {
    const [status, deployment] = [part(body, 'deployment_status'), part(body, 'deployment')];
    return known({
      [REPORTED.deployed]: status.state === 'success' ? instantOf(status.updated_at) : null,
      [REPORTED.commit]: deployment.sha,
      [REPORTED.branch]: deployment.ref,
      [REPORTED.status]: status.state,
      [REPORTED.pipeline]: filled(status.log_url) ?? status.target_url,
    });
  }
  if (event === 'workflow_run') {
    const run = part(body, 'workflow_run');
    return known({
      [REPORTED.commit]: run.head_sha,
      [REPORTED.branch]: run.head_branch,
      [REPORTED.status]: filled(run.conclusion) ?? run.status,
      [REPORTED.pipeline]: run.html_url,
    });
  }
  return {};
}

function ofGitLab(body: Json, at: Instant): PropertyPatch {
  if (body.object_kind === 'deployment') {
    return known({
      [REPORTED.deployed]: body.status === 'success' ? (instantOf(body.status_changed_at) ?? at) : null,
      [REPORTED.commit]: commitOf(body),
      [REPORTED.branch]: body.ref,
      [REPORTED.status]: body.status,
      [REPORTED.pipeline]: body.deployable_url,
    });
  }
  if (body.object_kind === 'pipeline') {
    const run = part(body, 'object_attributes');
    return known({
      [REPORTED.commit]: run.sha,
      [REPORTED.branch]: run.ref,
      [REPORTED.status]: run.status,
      [REPORTED.pipeline]: run.url,
    });
  }
  return {};
}

/** The whole hash stands only in the commit's address. */
function commitOf({ commit_url, short_sha }: Json): unknown {
  return typeof commit_url === 'string' ? (/\/commit\/([0-9a-f]{40,64})$/.exec(commit_url)?.[1] ?? short_sha) : short_sha;
}

function ofJenkins(body: Json, at: Instant): PropertyPatch {
  const build = part(body, 'build');
  const scm = part(build, 'scm');
  const isDone = build.phase === 'COMPLETED' || build.phase === 'FINALIZED';
  return known({
    [REPORTED.deployed]: isDone && build.status === 'SUCCESS' ? (instantOf(build.timestamp) ?? at) : null,
    [REPORTED.commit]: scm.commit,
    [REPORTED.branch]: scm.branch,
    // While a build runs, its status is the one before's, or none.
    [REPORTED.status]: isDone ? build.status : build.phase,
    [REPORTED.pipeline]: filled(build.full_url) ?? build.url,
  });
}

/** A webhook never deletes: what it does not tell stays. */
function known(fields: Json): PropertyPatch {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (filled(value) === null ? [] : [[name, String(value)]])));
}

function filled(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Milliseconds, or text with an offset; GitLab writes `2021-04-28 21:50:00 +0200` or `… UTC`. */
function instantOf(value: unknown): Instant | null {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(new Date(time).getTime()) ? null : toInstant(time);
}

function part(body: Json, name: string): Json {
  const value = body[name];
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
