import { plusMilliseconds, type Instant } from '../shared/time.ts';

/** How long a session lasts, however much it is used: a working day (OWASP ASVS 5.0, 7.3.2; NIST SP 800-63B, AAL2). */
export const SESSION_MS = 12 * 3_600_000;
/** A session that is not used for so long has ended (OWASP ASVS 5.0, 7.3.1; NIST SP 800-63B, AAL2). */
export const IDLE_MS = 3_600_000;
/** How long after logging in somebody may change by what they are let in. */
export const RECENT_LOGIN_MS = 15 * 60_000;
/** The time of last use is kept to the minute, so that a busy session costs no write a call. */
export const LAST_USE_GRAIN_MS = 60_000;

/** A session last used at or before this instant has ended at `at`. The grain is the session's favour. */
export function idleSince(at: Instant): Instant {
  return plusMilliseconds(at, -IDLE_MS - LAST_USE_GRAIN_MS);
}

/** The network an address is in, enough to know one's own: a /24 of IPv4, a /48 of IPv6; `unknown` for anything else. */
export function networkOf(address: string): string {
  const plain = withoutMapping(address);
  const v4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(plain)?.[1];
  if (v4 !== undefined) return `${v4}.0/24`;
  if (!/^[0-9a-f:]+(%\w+)?$/i.test(plain) || !plain.includes(':')) return 'unknown';
  const [head = '', tail] = plain.toLowerCase().replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const whole = tail === undefined ? groups : [...groups, ...Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0'), ...after];
  const [a = '0', b = '0', c = '0'] = whole.map((group) => group.replace(/^0+(?=.)/, ''));
  return `${a}:${b}:${c}::/48`;
}

/** What limits count as one address: an IPv4 address, or the /48 of an IPv6 one, whose owner has all addresses in it. */
export function countedAs(address: string): string {
  const plain = withoutMapping(address);
  return plain.includes(':') ? networkOf(plain) : plain;
}

/** An IPv4 address written as an IPv6 one (RFC 4291, section 2.5.5.2) as itself. */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

// The first that fits: browsers name those they descend from.
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|Opera)\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\b(iPhone|iPad)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** A browser and its system from a User-Agent, `Firefox on Linux`: enough to know one's own, too little to follow anybody. */
export function clientOf(userAgent: string | undefined): string {
  const of = (known: readonly [RegExp, string][]): string | undefined => known.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  const [browser, system] = [of(BROWSERS), of(SYSTEMS)];
  if (browser === undefined) return system === undefined ? 'another program' : `a program on ${system}`;
  return system === undefined ? browser : `${browser} on ${system}`;
}
