import { parseCookie, stringifySetCookie } from 'cookie';
import type { LetterDesk } from '../../commands/identity/letters.ts';
import type { OpenedSession } from '../../commands/identity/open-session.ts';
import { servedOverTls, sessionCookieName } from '../shared/authenticate.ts';
import type { ApiConfig, ApiDependencies } from '../shared/dependencies.ts';

// As long as a browser keeps a cookie at most; the row may go before.
const DEVICE_MS = 180 * 86_400_000;

/** A cookie of ours by its plain name: with the __Host- prefix (RFC 6265bis) wherever the platform is served over TLS. */
export function cookieName(config: Pick<ApiConfig, 'publicUrl'>, name: 'device' | 'oidc'): string {
  return `${servedOverTls(config) ? '__Host-' : ''}orrery_${name}`;
}

function setCookie(config: Pick<ApiConfig, 'publicUrl'>, name: string, value: string, expires: Date): string {
  return stringifySetCookie({ name, value, expires, path: '/', httpOnly: true, sameSite: 'lax', secure: servedOverTls(config) });
}

/** The cookies of a session that was just opened: its own, and the one by which this browser is known at the next login. */
export function sessionCookies(config: ApiConfig, opened: OpenedSession, now: string): string[] {
  return [
    setCookie(config, sessionCookieName(config), opened.secret, new Date(opened.expiresAt)),
    setCookie(config, cookieName(config, 'device'), opened.device, new Date(Date.parse(now) + DEVICE_MS)),
  ];
}

/** The cookie of a session that ended: it goes. */
export function noSessionCookie(config: ApiConfig): string {
  return setCookie(config, sessionCookieName(config), '', new Date(0));
}

/** The cookie that binds a login at the provider to this browser. */
export function oidcCookie(config: ApiConfig, secret: string, expiresAt: string): string {
  return setCookie(config, cookieName(config, 'oidc'), secret, new Date(expiresAt));
}

/** A cookie's value in a Cookie header, or null. */
export function readCookie(header: string | undefined, name: string): string | null {
  const value = parseCookie(header ?? '')[name];
  return value === undefined || value === '' ? null : value;
}

/** The secrets that a browser has from an earlier login. */
export function earlierLogin(header: string | undefined, config: ApiConfig): { session: string | null; device: string | null } {
  return { session: readCookie(header, sessionCookieName(config)), device: readCookie(header, cookieName(config, 'device')) };
}

/** What letters with a link are made with. */
export function letterDesk({ vault, config }: Pick<ApiDependencies, 'vault' | 'config'>): LetterDesk {
  return { vault, publicUrl: config.publicUrl };
}
