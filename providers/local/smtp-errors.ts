import type { NodemailerError } from 'nodemailer';
import type { SendResult } from '../../domain/notifications/mail.ts';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';

/** Of a server's reply. */
const MOST_KEPT = 500;

/**
 * What a failed attempt means. Final is only what the server says of this recipient or this message with 5yz: wrong
 * credentials, an untrusted certificate, a sender it does not take or a server that is away are the operator's to put
 * right, and the mail waits for that.
 */
export function smtpFailure(error: NodemailerError): SendResult {
  const { code = 'UNKNOWN', command = '', responseCode } = error;
  const reply = error.response === undefined ? '' : ` It said: ${error.response.replaceAll(/\s+/g, ' ').slice(0, MOST_KEPT)}`;
  const refused = code === 'EENVELOPE' || code === 'EMESSAGE';
  const final = refused && error.permanent === true && !command.startsWith('MAIL');
  const [what, message] = final ? ['rejected', 'The mail server refuses this mail for good.'] : passing(error);
  const record = toErrorRecord(
    new DomainError({
      kind: final ? 'conflict' : 'unavailable',
      code: `notifications.${what}`,
      message: `${message}${reply}`,
      details: { reason: error.originalCode ?? code, ...(responseCode !== undefined && { reply: responseCode }) },
    }),
  );
  return { kind: 'failed', final: final ? 'rejected' : null, error: record };
}

function passing({ code, command, permanent, originalCode }: NodemailerError): [what: string, message: string] {
  if (code === 'EAUTH' || code === 'ENOAUTH') return ['login-refused', 'The mail server refuses our login. The operator checks user and password in ORRERY_SMTP_URL.'];
  if (isCertificate(originalCode)) return ['certificate-untrusted', 'The mail server’s certificate is not trusted. The operator gives its authority in ORRERY_SMTP_CA_FILE.'];
  if (code === 'ETLS' || /^(ERR_SSL_|EPROTO$)/.test(originalCode ?? '')) return ['tls-failed', 'The mail server offers no TLS that we can use. The operator checks scheme and port of ORRERY_SMTP_URL.'];
  if (code === 'ETIMEDOUT') return ['timed-out', 'The mail server did not answer in time.'];
  if (command?.startsWith('MAIL') === true && permanent === true) return ['sender-refused', 'The mail server does not take mail from us. The operator checks ORRERY_MAIL_FROM.'];
  if (code === 'EENVELOPE' || code === 'EMESSAGE') return ['put-off', 'The mail server wants this mail later.'];
  return ['server-away', 'The mail server cannot be reached, or hung up.'];
}

function isCertificate(code: string | undefined): boolean {
  return code !== undefined && /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/.test(code);
}
