import { setTimeout as delay } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { createTransport, type NodemailerError } from 'nodemailer';
import type { SendResult } from '../../domain/notifications/mail.ts';
import type { MailSender } from '../../domain/notifications/ports.ts';
import { composeMail } from './compose-mail.ts';
import { smtpFailure } from './smtp-errors.ts';

export interface SmtpSettings {
  host: string;
  port: number;
  /** `implicit`: TLS from the first byte. `starttls`: refused unless the server upgrades. `none`: in clear text. */
  security: 'implicit' | 'starttls' | 'none';
  login: { user: string; password: string } | null;
  /** PEM of an authority that is trusted beside the public ones; null: none. */
  certificateAuthority: string | null;
  /** `Orrery <orrery@example.org>` */
  from: string;
  /** For a mail in all; 60 s by default. */
  timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 60_000;
const MOST_KEPT = 500;

/** Sends each mail over a connection of its own, so that one mail's trouble is no other's. */
export function createSmtpSender(settings: SmtpSettings): MailSender {
  const timeoutMs = settings.timeoutMs ?? TIMEOUT_MS;
  const transport = createTransport({
    host: settings.host,
    port: settings.port,
    secure: settings.security === 'implicit',
    requireTLS: settings.security === 'starttls',
    ignoreTLS: settings.security === 'none',
    ...(settings.login !== null && { auth: { user: settings.login.user, pass: settings.login.password } }),
    tls: settings.certificateAuthority === null ? {} : { ca: [...rootCertificates, settings.certificateAuthority] },
    connectionTimeout: timeoutMs / 4,
    greetingTimeout: timeoutMs / 4,
    socketTimeout: timeoutMs / 2,
  });
  return {
    async send(mail, signal) {
      const finished = new AbortController();
      const sent: Promise<SendResult> = transport.sendMail(composeMail(mail, settings.from)).then(
        ({ response }) => ({ kind: 'sent', receipt: response.slice(0, MOST_KEPT) }),
        (error: NodemailerError) => smtpFailure(error),
      );
      // A server that sends a byte now and then keeps a connection open for ever.
      const late = delay(timeoutMs, smtpFailure({ name: 'Error', message: '', code: 'ETIMEDOUT' }), { signal: AbortSignal.any([finished.signal, signal]) });
      try {
        return await Promise.race([sent, late]);
      } finally {
        finished.abort();
        late.catch(() => undefined);
      }
    },
  };
}
