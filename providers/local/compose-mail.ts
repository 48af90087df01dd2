import type { SendMailOptions } from 'nodemailer';
import type { OutgoingMail } from '../../domain/notifications/ports.ts';

/** The domain of `Orrery <orrery@example.org>` or of a bare address. */
export function domainOf(from: string): string {
  return /@([^\s<>@]+)>?$/.exec(from)?.[1] ?? 'localhost';
}

/** A notice as a message: plain text, an id that a repeat has too, and marked as nobody's own writing (RFC 3834). */
export function composeMail(mail: OutgoingMail, from: string): SendMailOptions {
  return {
    from,
    to: mail.to,
    subject: mail.subject,
    text: mail.text,
    messageId: `<${mail.messageKey}@${domainOf(from)}>`,
    // As text it would be sent as it is, which is not the form of RFC 5322.
    date: new Date(mail.date),
    headers: { 'Auto-Submitted': 'auto-generated' },
    // A text never makes the server read files or fetch addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
