import type { SendResult } from './mail.ts';

/** A mail as it is to be sent; who it is from is the sender's. */
export interface OutgoingMail {
  /** Names the file, where mails land in a directory. */
  id: string;
  /** Left part of the Message-ID. */
  messageKey: string;
  to: { name: string; address: string };
  subject: string;
  /** Plain text. */
  text: string;
  /** The Date header: when the notice was made. */
  date: string;
}

/** Sends mails by SMTP, or puts them where somebody looks. Never throws for what the server or the network does. */
export interface MailSender {
  send(mail: OutgoingMail, signal: AbortSignal): Promise<SendResult>;
}
