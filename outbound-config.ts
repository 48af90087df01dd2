import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

/** Which receivers webhooks may have. */
export interface WebhookConfig {
  /** Plain http beside https. */
  allowHttp: boolean;
  /** CIDR: networks allowed beside public addresses. */
  allowedNetworks: string[];
  /** PEM of an authority trusted beside the public ones. */
  certificateAuthority: string | null;
}

/** How Google Calendar is reached. */
export interface CalendarConfig {
  /** An origin in the place of Google's; null for Google's own. */
  endpoint: string | null;
  /** Google is asked to tell of changes at the public URL, beside being asked each minute. */
  watch: boolean;
}

/** How mails leave. */
export type MailConfig =
  | {
      kind: 'smtp';
      host: string;
      port: number;
      security: 'implicit' | 'starttls' | 'none';
      login: { user: string; password: string } | null;
      certificateAuthority: string | null;
      from: string;
    }
  | { kind: 'directory'; path: string; from: string }
  /** Every mail ends as not configured. */
  | { kind: 'none' };

const MAIL_FROM = /^([^<>@\r\n]+<[^\s<>@]+@[A-Za-z0-9.-]+>|[^\s<>@]+@[A-Za-z0-9.-]+)$/;
/** What mails in a directory are from, where nothing else is said: they go nowhere. */
const FROM_NOWHERE = 'Orrery <orrery@localhost>';

const file = z.string().refine(isAbsolute, { error: 'must be an absolute path, for example /etc/ssl/internal.pem' }).optional();

/** Part of the table in config.ts. */
export const outboundVariables = {
  ORRERY_WEBHOOK_HTTP: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
  ORRERY_WEBHOOK_NETWORKS: z.string().optional(),
  ORRERY_WEBHOOK_CA_FILE: file,
  ORRERY_SMTP_URL: z.string().optional(),
  ORRERY_GOOGLE_CALENDAR_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be a URL, for example https://calendar.example.org' }).optional(),
  ORRERY_GOOGLE_CALENDAR_WATCH: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
  ORRERY_SMTP_STARTTLS: z.enum(['required', 'never'], { error: 'must be required or never' }).optional(),
  ORRERY_SMTP_CA_FILE: file,
  ORRERY_MAIL_FROM: z
    .string()
    .regex(MAIL_FROM, 'must be an address, for example Orrery <orrery@example.org>')
    .optional(),
  ORRERY_MAIL_DIRECTORY: z.string().refine(isAbsolute, { error: 'must be an absolute path, for example /var/lib/orrery/mail' }).optional(),
};

type Given = { [V in keyof typeof outboundVariables]?: string | undefined };
type Problem = { variable: string; problem: string };
/** Reads the PEM file that a variable names; null when it is not set or not readable, which is then a problem. */
type ReadPem = (variable: 'ORRERY_WEBHOOK_CA_FILE' | 'ORRERY_SMTP_CA_FILE') => string | null;

export function readWebhooks(given: Given, readPem: ReadPem, problems: Problem[]): WebhookConfig {
  const networks = (given.ORRERY_WEBHOOK_NETWORKS ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
  for (const network of networks.filter((one) => !isNetwork(one))) {
    problems.push({ variable: 'ORRERY_WEBHOOK_NETWORKS', problem: `${network} is no network; give CIDR like 10.20.0.0/16, several separated by commas` });
  }
  return { allowHttp: given.ORRERY_WEBHOOK_HTTP === 'true', allowedNetworks: networks, certificateAuthority: readPem('ORRERY_WEBHOOK_CA_FILE') };
}

/** Google calls https addresses alone. */
export function readCalendar(given: Given & { ORRERY_PUBLIC_URL: string }, problems: Problem[]): CalendarConfig {
  const watch = given.ORRERY_GOOGLE_CALENDAR_WATCH === 'true';
  if (watch && !given.ORRERY_PUBLIC_URL.startsWith('https://')) {
    problems.push({ variable: 'ORRERY_GOOGLE_CALENDAR_WATCH', problem: 'needs a public URL with https, which Google calls; change ORRERY_PUBLIC_URL, or leave it out: changes are looked for each minute' });
  }
  return { endpoint: given.ORRERY_GOOGLE_CALENDAR_ENDPOINT ?? null, watch };
}

function isNetwork(text: string): boolean {
  const [, address = '', prefix = ''] = /^([0-9A-Fa-f:.]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** Never quotes the URL, which may hold a password. */
export function readMail(given: Given, readPem: ReadPem, problems: Problem[]): MailConfig {
  const { ORRERY_SMTP_URL: text, ORRERY_MAIL_FROM: from, ORRERY_MAIL_DIRECTORY: path } = given;
  const certificateAuthority = readPem('ORRERY_SMTP_CA_FILE');
  if (text === undefined) {
    for (const variable of ['ORRERY_SMTP_STARTTLS', 'ORRERY_SMTP_CA_FILE'] as const) {
      if (given[variable] !== undefined) problems.push({ variable, problem: 'has no effect without a mail server; set ORRERY_SMTP_URL or remove it' });
    }
    return path === undefined ? { kind: 'none' } : { kind: 'directory', path, from: from ?? FROM_NOWHERE };
  }
  if (path !== undefined) problems.push({ variable: 'ORRERY_MAIL_DIRECTORY', problem: 'and ORRERY_SMTP_URL are both set; keep one' });
  if (from === undefined) problems.push({ variable: 'ORRERY_MAIL_FROM', problem: 'is not set; with ORRERY_SMTP_URL give the sender, for example Orrery <orrery@example.org>' });
  const url = URL.parse(text);
  const implicit = url?.protocol === 'smtps:';
  if (url === null || (!implicit && url.protocol !== 'smtp:') || url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '' || !isDecodable(`${url.username}${url.password}`)) {
    problems.push({ variable: 'ORRERY_SMTP_URL', problem: 'must be smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465 (TLS at once), special characters percent-encoded' });
    return { kind: 'none' };
  }
  if (implicit && given.ORRERY_SMTP_STARTTLS !== undefined) {
    problems.push({ variable: 'ORRERY_SMTP_STARTTLS', problem: 'has no effect on smtps://, which is TLS at once; remove it' });
  }
  const security = implicit ? 'implicit' : given.ORRERY_SMTP_STARTTLS === 'never' ? 'none' : 'starttls';
  if (security === 'none' && url.username !== '') {
    problems.push({ variable: 'ORRERY_SMTP_STARTTLS', problem: 'would send the password in clear text; remove it, or user and password from ORRERY_SMTP_URL' });
  }
  const port = url.port === '' ? (implicit ? 465 : 587) : Number(url.port);
  const login = url.username === '' ? null : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return { kind: 'smtp', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, security, login, certificateAuthority, from: from ?? FROM_NOWHERE };
}
