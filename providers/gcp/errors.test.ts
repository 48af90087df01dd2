import test from 'ava';
import { inspect } from 'node:util';
import { DomainError } from '../../domain/shared/errors.ts';
import type { Refusal } from '../../tests/helpers/peers/gcp/compute-state.ts';
import { openStandIn, PROJECT, type OpenedStandIn } from '../../tests/helpers/peers/gcp/opened.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { createGcpProvider } from './provider.ts';
import { retryAfterSeconds } from './refusal.ts';

const signal = new AbortController().signal;
let gcp: OpenedStandIn;

test.before(async () => {
  gcp = await openStandIn();
});
test.after.always(async () => gcp.peer.stop());

async function refusalOf(run: Promise<unknown>): Promise<DomainError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const errorInfo = (reason: string, metadata: Record<string, string> = {}): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata,
});

// Answers as Google gives them, from its guides and from what people met.
const ANSWERS: [what: string, refusal: Refusal, code: string, details: Record<string, unknown>][] = [
  [
    'a switched-off API',
    {
      status: 403,
      reason: 'accessNotConfigured',
      message: `Compute Engine API has not been used in project 123456789012 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project=123456789012 then retry.`,
      details: [{ '@type': 'type.googleapis.com/google.rpc.Help', links: [] }, errorInfo('SERVICE_DISABLED', { consumer: 'projects/123456789012', service: 'compute.googleapis.com' })],
    },
    'gcp.account-disabled',
    { cloud_code: 'SERVICE_DISABLED', http_status: 403 },
  ],
  ['a switched-off API in the older form', { status: 403, reason: 'accessNotConfigured', message: 'Access Not Configured.' }, 'gcp.account-disabled', { cloud_code: 'accessNotConfigured' }],
  ['a project without billing', { status: 403, reason: 'forbidden', message: 'This API method requires billing to be enabled.', details: [errorInfo('BILLING_DISABLED')] }, 'gcp.account-disabled', { cloud_code: 'BILLING_DISABLED' }],
  ['an unknown project', { status: 404, reason: 'notFound', message: `The resource 'projects/${PROJECT}' was not found` }, 'gcp.not-found', { cloud_code: 'notFound' }],
  ['a deleted project', { status: 403, reason: 'forbidden', message: `Project ${PROJECT} has been deleted.`, details: [errorInfo('CONSUMER_INVALID')] }, 'gcp.not-found', { cloud_code: 'CONSUMER_INVALID' }],
  [
    'a permission that is told in the sentence',
    { status: 403, reason: 'forbidden', message: `Required 'compute.instances.list' permission for 'projects/${PROJECT}'` },
    'gcp.missing-permission',
    { permission: 'compute.instances.list', cloud_code: 'forbidden' },
  ],
  [
    'a permission that is told beside',
    { status: 403, reason: 'forbidden', message: 'Permission denied on resource.', details: [errorInfo('IAM_PERMISSION_DENIED', { permission: 'compute.instances.list' })] },
    'gcp.missing-permission',
    { permission: 'compute.instances.list', cloud_code: 'IAM_PERMISSION_DENIED' },
  ],
  ['a permission that is not told', { status: 403, reason: 'somethingNew', message: 'No.' }, 'gcp.missing-permission', { permission: 'compute.instances.list', cloud_code: 'somethingNew' }],
  ['a token of too narrow a scope', { status: 403, reason: 'insufficientPermissions', message: 'Request had insufficient authentication scopes.', details: [errorInfo('ACCESS_TOKEN_SCOPE_INSUFFICIENT')] }, 'gcp.missing-permission', { cloud_code: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }],
  ['too many calls', { status: 403, reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded', retryAfter: '7' }, 'gcp.throttled', { retry_after_seconds: 7 }],
  ['too many calls by another status', { status: 429, reason: 'somethingNew', message: 'Too many.', details: [errorInfo('RATE_LIMIT_EXCEEDED')] }, 'gcp.throttled', { cloud_code: 'RATE_LIMIT_EXCEEDED' }],
  ['a quota', { status: 403, reason: 'quotaExceeded', message: "Quota 'CPUS' exceeded." }, 'gcp.quota-exceeded', { cloud_code: 'quotaExceeded' }],
  ['a failure of theirs', { status: 503, reason: 'backendError', message: 'Backend Error' }, 'gcp.unavailable', { cloud_code: 'backendError' }],
  ['a failure without a known reason', { status: 502, reason: '', message: '' }, 'gcp.unavailable', { cloud_code: 'HTTP 502' }],
  ['a refusal nobody foresaw', { status: 400, reason: 'invalid', message: "Invalid value for field 'filter'." }, 'gcp.rejected', { cloud_code: 'invalid' }],
];

for (const [what, refusal, code, details] of ANSWERS) {
  test.serial(`${what} is ${code}, asked once`, async (t) => {
    gcp.peer.refuseNext(refusal);
    const before = gcp.peer.calls.length;
    const error = await refusalOf(gcp.provider.check({ account: PROJECT }, gcp.key, signal));
    t.is(error.code, code);
    t.like(error.details, details);
    t.true(error.message.includes(refusal.message.slice(0, 400)), 'what Google said is passed on');
    t.is(gcp.peer.calls.length - before, 1, 'nobody but the caller tries again');
    t.is(error.retryAfterSeconds, refusal.retryAfter === undefined ? undefined : 7);
    t.false(inspect(error, { depth: 20, showHidden: true }).includes('ya29.'), 'no token in it');
  });
}

test.serial('a project that the stand-in does not have is not found', async (t) => {
  const error = await refusalOf(gcp.provider.check({ account: 'other-project-1' }, gcp.key, signal));
  t.is(error.code, 'gcp.not-found');
  t.is(error.details.resource, 'projects/other-project-1');
});

for (const [what, status, body] of [
  ["a proxy's page", 502, '<html><title>Bad Gateway</title></html>'],
  ['an answer that is no JSON', 200, '<html>Welcome to the Wi-Fi</html>'],
] as const) {
  test(`${what} is Google out of reach`, async (t) => {
    const proxy = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end(body);
      return Promise.resolve();
    });
    const provider = createGcpProvider({ endpoints: { compute: proxy.url, token: gcp.peer.tokenUrl }, requestTimeoutMs: 5_000, pageSize: 3 });
    t.is((await refusalOf(provider.check({ account: PROJECT }, gcp.key, signal))).code, 'gcp.unavailable');
    await proxy.stop();
  });
}

test('an endpoint where nobody listens is Google out of reach, with the code of the system', async (t) => {
  const gone = await serve(() => Promise.resolve());
  await gone.stop();
  const provider = createGcpProvider({ endpoints: { compute: gone.url, token: gcp.peer.tokenUrl }, requestTimeoutMs: 5_000, pageSize: 3 });
  const error = await refusalOf(provider.check({ account: PROJECT }, gcp.key, signal));
  t.is(error.code, 'gcp.unavailable');
  t.is(error.details.cloud_code, 'ECONNREFUSED');
});

test.serial('a call without an answer ends at the time-out', async (t) => {
  const silent = await serve(() => new Promise(() => undefined));
  const provider = createGcpProvider({ endpoints: { compute: silent.url, token: gcp.peer.tokenUrl }, requestTimeoutMs: 200, pageSize: 3 });
  const error = await refusalOf(provider.check({ account: PROJECT }, gcp.key, signal));
  t.is(error.code, 'gcp.unavailable');
  t.is(error.details.cloud_code, 'DEADLINE_EXCEEDED');
  await silent.stop();
});

test('Retry-After is read as seconds and as a date', (t) => {
  const now = Date.parse('2026-11-21T07:00:00.000Z');
  t.is(retryAfterSeconds('7', now), 7);
  t.is(retryAfterSeconds('Sat, 21 Nov 2026 07:01:30 GMT', now), 90);
  t.is(retryAfterSeconds('Sat, 21 Nov 2026 06:59:00 GMT', now), undefined);
  t.is(retryAfterSeconds('soon', now), undefined);
  t.is(retryAfterSeconds(null, now), undefined);
});
