import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf } from '../http-server.ts';

/** An application of the directory and what it may do. */
export interface Application {
  clientId: string;
  clientSecret: string;
  secretHasExpired: boolean;
  isDisabled: boolean;
  /** Actions of its role on the subscription; null without any role. */
  allowed: readonly string[] | null;
}

export interface Entra {
  tenantId: string;
  applications: Map<string, Application>;
  /** Requests for a token so far. */
  tokenRequests: number;
  /** The application a token was given to. */
  holderOf(authorization: string | undefined): Application | null;
  /** Every token given so far is no longer taken. */
  revokeTokens(): void;
  makeApplication(allowed: readonly string[] | null): Application;
  /** Answers a request to the authority. False when it is for somebody else. */
  answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean>;
}

/**
 * Microsoft Entra ID as far as client credentials go: the directory's OpenID configuration, and tokens.
 * Refusals have the form and codes of
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#error-response
 */
export function createEntra(tenantId: string): Entra {
  const tokens = new Map<string, Application>();
  const entra: Entra = {
    tenantId,
    applications: new Map(),
    tokenRequests: 0,
    holderOf: (authorization) => tokens.get(authorization?.replace(/^Bearer /, '') ?? '') ?? null,
    revokeTokens: () => tokens.clear(),
    makeApplication: (allowed) => {
      const application: Application = {
        clientId: randomUUID(),
        clientSecret: randomBytes(30).toString('base64url'),
        secretHasExpired: false,
        isDisabled: false,
        allowed,
      };
      entra.applications.set(application.clientId, application);
      return application;
    },
    answer: async (request, response, url) => {
      const [, tenant = '', rest] = /^\/([^/]+)\/(v2\.0\/\.well-known\/openid-configuration|oauth2\/v2\.0\/token)$/.exec(url.pathname) ?? [];
      if (rest === undefined) return false;
      if (tenant.toLowerCase() !== tenantId) refuse(response, 400, 'invalid_tenant', 90002, `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`);
      else if (rest.endsWith('token')) giveToken(entra, tokens, response, new URLSearchParams((await bodyOf(request)).toString('utf8')));
      else reply(response, 200, configuration(`${url.origin}/${tenant}`));
      return true;
    },
  };
  return entra;
}

function configuration(base: string): object {
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    issuer: `${base}/v2.0`,
    response_types_supported: ['code', 'id_token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function giveToken(entra: Entra, tokens: Map<string, Application>, response: ServerResponse, form: URLSearchParams): void {
  entra.tokenRequests += 1;
  const clientId = form.get('client_id') ?? '';
  const application = entra.applications.get(clientId);
  if (form.get('grant_type') !== 'client_credentials') throw new Error(`The stand-in gives no token for ${form.get('grant_type')}.`);
  if (form.get('scope')?.includes('https://management.azure.com/.default') !== true) throw new Error(`The stand-in has no scope ${form.get('scope')}.`);
  if (application === undefined) {
    return refuse(response, 400, 'unauthorized_client', 700016, `Application with identifier '${clientId}' was not found in the directory 'Test'.`);
  }
  if (application.isDisabled) return refuse(response, 400, 'unauthorized_client', 7000112, `Application '${clientId}'(Test) is disabled.`);
  if (form.get('client_secret') !== application.clientSecret) {
    return refuse(response, 401, 'invalid_client', 7000215, `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`);
  }
  if (application.secretHasExpired) return refuse(response, 401, 'invalid_client', 7000222, `The provided client secret keys for app '${clientId}' are expired.`);
  const token = randomBytes(40).toString('base64url');
  tokens.set(token, application);
  reply(response, 200, { token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599, access_token: token });
}

function refuse(response: ServerResponse, status: number, error: string, code: number, sentence: string): void {
  const [trace, correlation] = [randomUUID(), randomUUID()];
  reply(response, status, {
    error,
    error_description: `AADSTS${code}: ${sentence} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: 2026-11-21 07:00:00Z`,
    error_codes: [code],
    timestamp: '2026-11-21 07:00:00Z',
    trace_id: trace,
    correlation_id: correlation,
  });
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
