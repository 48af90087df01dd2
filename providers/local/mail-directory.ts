import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { SendResult } from '../../domain/notifications/mail.ts';
import type { MailSender, OutgoingMail } from '../../domain/notifications/ports.ts';
import { DomainError, toErrorRecord } from '../../domain/shared/errors.ts';
import { composeMail } from './compose-mail.ts';

/**
 * Puts each mail into a file `<mail id>.eml` of a directory, which appears complete or not at all. A repeat writes the
 * same file again. Files are for the owner alone: mails name people.
 */
export function createMailDirectory({ path, from }: { path: string; from: string }): MailSender {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  return {
    async send(mail) {
      const file = join(path, `${mail.id}.eml`);
      const { message } = await composer.sendMail(composeMail(mail, from));
      try {
        await mkdir(path, { recursive: true, mode: 0o700 });
        await writeWhole(file, message as Buffer);
        return { kind: 'sent', receipt: file };
      } catch (error) {
        return failed(error, path);
      }
    },
  };
}

/** Under another name until it is on the disk. */
async function writeWhole(file: string, content: Buffer): Promise<void> {
  const making = `${file}.${process.pid}.partial`;
  const handle = await open(making, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await rename(making, file);
  } catch (error) {
    await rm(making, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function failed(error: unknown, path: string): SendResult {
  const reason = (error as NodeJS.ErrnoException).code;
  // Anything but what a file system says is a bug of ours.
  if (reason === undefined) throw error;
  const message = `The mail could not be written to ${path} (${reason}). Check that the workers may write there and that the disk has room.`;
  return { kind: 'failed', final: null, error: toErrorRecord(new DomainError({ kind: 'unavailable', code: 'notifications.directory-failed', message })) };
}

/** Where there is neither a server nor a directory: every mail says so. */
export const noMail: MailSender = {
  send: (_mail: OutgoingMail): Promise<SendResult> => {
    const message = 'Mail is not set up. The operator sets ORRERY_SMTP_URL and ORRERY_MAIL_FROM, or ORRERY_MAIL_DIRECTORY.';
    const error = toErrorRecord(new DomainError({ kind: 'conflict', code: 'notifications.not-configured', message }));
    return Promise.resolve({ kind: 'failed', final: 'not-configured', error });
  },
};
