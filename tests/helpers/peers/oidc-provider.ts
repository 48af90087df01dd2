import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** What the provider says about somebody. */
export interface ProviderAccount {
  email?: string;
  email_verified?: boolean;
  name?: string;
}

/** The body of the token endpoint's answer. */
export interface TokenAnswer {
  id_token?: string;
  access_token?: string;
}

export interface OidcPeer {
  issuer: string;
  accounts: Map<string, ProviderAccount>;
  /** Token answers, oldest first. */
  answered: TokenAnswer[];
  /** Changes the next token answer. */
  tamper: ((answer: TokenAnswer) => TokenAnswer) | null;
  stop(): Promise<void>;
}

export const CLIENT = { client_id: 'orrery', client_secret: 'a secret of the test' };
export const OTHER_CLIENT = { client_id: 'somebody-else', client_secret: 'another secret of the test', redirect_uri: 'https://somebody-else.test/callback' };

/** The npm package oidc-provider with two clients: ours, coming back to `redirectUri`, and somebody else's. */
export async function oidcPeer(redirectUri: string): Promise<OidcPeer> {
  const accounts = new Map<string, ProviderAccount>();
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const flow = { grant_types: ['authorization_code'], response_types: ['code' as const] };
  const provider = new Provider(issuer, {
    clients: [
      { ...CLIENT, ...flow, redirect_uris: [redirectUri] },
      { client_id: OTHER_CLIENT.client_id, client_secret: OTHER_CLIENT.client_secret, ...flow, redirect_uris: [OTHER_CLIENT.redirect_uri] },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['of the test'] },
    jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(context) {
      const grant = new provider.Grant({ clientId: context.oidc.client?.clientId ?? '', accountId: context.oidc.session?.accountId ?? '' });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const peer: OidcPeer = {
    issuer,
    accounts,
    answered: [],
    tamper: null,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  provider.use(async (context, next) => {
    await next();
    if (context.path !== '/token' || context.status !== 200) return;
    const answer = context.body as TokenAnswer;
    peer.answered.push(answer);
    if (peer.tamper !== null) context.body = peer.tamper(answer);
    peer.tamper = null;
  });
  const answer = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/') !== true) return void answer(request, response);
    // Where a person would type: the test says by a header who signs in, or that they turn back.
    const who = request.headers['x-test-account'];
    const result = typeof who === 'string' ? { login: { accountId: who } } : { error: 'access_denied', error_description: 'turned back' };
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false }).catch((error: unknown) => response.destroy(error as Error));
  });
  return peer;
}

/** A browser: keeps cookies by host, follows redirects until one leads to `until`, and answers with that address. */
export function browser(account: string | null) {
  const jar = new Map<string, Map<string, string>>();
  const cookiesOf = (host: string): Map<string, string> => jar.get(host) ?? new Map<string, string>();
  const go = async (url: string): Promise<Response> => {
    const { host } = new URL(url);
    const cookies = [...cookiesOf(host)].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { ...(cookies !== '' && { Cookie: cookies }), ...(account !== null && { 'X-Test-Account': account }) } });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      const kept = cookiesOf(host);
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) kept.delete(name);
      else kept.set(name, value);
      jar.set(host, kept);
    }
    return response;
  };
  return {
    cookiesOf,
    go,
    async follow(url: string, until: string): Promise<string> {
      for (let hops = 0, next = url; hops < 10; hops += 1) {
        if (next.startsWith(until)) return next;
        const location = (await go(next)).headers.get('location');
        if (location === null) throw new Error(`${next} leads nowhere`);
        next = new URL(location, next).href;
      }
      throw new Error(`${url} never leads to ${until}`);
    },
  };
}
