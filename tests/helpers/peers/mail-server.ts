import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { makeLoopbackCertificate } from './azure/certificate.ts';

export interface ReceivedMail {
  to: string[];
  raw: string;
  secure: boolean;
}

export interface MailServer {
  port: number;
  /** PEM to trust. */
  authority: string;
  received: ReceivedMail[];
  /** Replies to the next RCPT TO of an address, one a time; then it is taken. */
  replies: Map<string, number[]>;
  stop(): Promise<void>;
}

export const LOGIN = { user: 'orrery', password: 'p@ss:word' };

/** A real SMTP server on the loopback with a certificate of its own; asks for the login unless `authOptional`. */
export async function mailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const { authority, ...pair } = await makeLoopbackCertificate();
  const received: ReceivedMail[] = [];
  const replies = new Map<string, number[]>();
  const server = new SMTPServer({
    ...pair,
    logger: false,
    onAuth({ username, password }, _session, done) {
      if (username === LOGIN.user && password === LOGIN.password) done(null, { user: username });
      else done(null, {});
    },
    onRcptTo({ address }, _session, done) {
      const reply = replies.get(address)?.shift();
      done(reply === undefined ? null : Object.assign(new Error(`${reply} says the test`), { responseCode: reply }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        received.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks).toString(), secure: session.secure });
        done(null, `queued as ${received.length}`);
      });
    },
    ...options,
  });
  // Clients that break off are part of the tests.
  server.on('error', () => undefined);
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    authority,
    received,
    replies,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
