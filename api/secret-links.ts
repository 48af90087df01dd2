import { Router } from 'express';
import { collectHandler, LARGEST_REPORT } from './environments/collector.ts';
import { feedHandler } from './environments/feed.ts';
import { OIDC_CALLBACK, oidcCallbackHandler } from './identity/oidc-callback.ts';
import type { Metrics } from './metrics.ts';
import type { ApiDependencies } from './shared/dependencies.ts';

/**
 * An address whose secret part is the whole right to call it: for programs that can be given an
 * address and nothing else. These are no operations: there is no caller, and what they take or answer
 * need not be JSON.
 */
export interface SecretLink {
  method: 'get' | 'post';
  path: string;
  id: string;
  summary: string;
  /** The domain, for the documentation. */
  tag: string;
  description: string;
  requestTypes: string[];
  responses: Record<number, { description: string; type?: string }>;
}

export const secretLinks: readonly SecretLink[] = [
  {
    method: 'post',
    path: '/v1/collect/{environment_id}/{secret}',
    id: 'collect',
    summary: 'A collector_url: merge what a pipeline reports into the properties of an environment',
    tag: 'environments',
    description:
      `A flat JSON object of up to ${LARGEST_REPORT / 1024} KB: each field is a property, null deletes one. ` +
      'Webhooks are taken too: GitHub’s, signed with the secret (deployment_status, workflow_run), GitLab’s with it as secret token (deployment, pipeline), and those of Jenkins’s Notification plugin.',
    requestTypes: ['application/json'],
    responses: { 204: { description: 'Merged, or nothing to merge' } },
  },
  {
    method: 'get',
    path: '/v1/feeds/{secret}.ics',
    id: 'getCalendarFeedContent',
    summary: 'A calendar link: bookings of the environments as iCalendar',
    tag: 'environments',
    description: 'From 30 days ago to a year ahead. Of people it holds names alone.',
    requestTypes: [],
    responses: { 200: { description: 'The calendar (RFC 5545)', type: 'text/calendar' } },
  },
  {
    method: 'get',
    path: OIDC_CALLBACK,
    id: 'finishOidcLogin',
    summary: 'Where the OpenID Connect provider sends the browser back to',
    tag: 'identity',
    description: 'With the code of a login that this browser began at /v1/oidc/login: opens the session as a cookie and goes on to its return_to. To be registered at the provider as it is, after the public address.',
    requestTypes: [],
    responses: { 302: { description: 'Logged in' } },
  },
];

/** Serves the secret links. */
export function secretLinkRouter(deps: ApiDependencies, metrics: Pick<Metrics, 'measure'>): Router {
  const router = Router();
  router.post('/v1/collect/:id/:secret', metrics.measure('collect'), collectHandler(deps));
  router.get(OIDC_CALLBACK, metrics.measure('finishOidcLogin'), oidcCallbackHandler(deps));
  router.get('/v1/feeds/:secret.ics', metrics.measure('getCalendarFeedContent'), feedHandler(deps));
  return router;
}

const SECRET_PART = /^(\/v1\/(?:feeds|collect\/[^/?]*)\/)[^/?]+/;

// A code, and what only this login knows.
const CALLBACK = new RegExp(`^(${OIDC_CALLBACK})\\?.*$`);

/** An address without the secret in it, for the log. */
export function withoutSecret(url: string): string {
  return url.replace(SECRET_PART, '$1[secret]').replace(CALLBACK, '$1?[secret]');
}
