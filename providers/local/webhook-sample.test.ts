import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from '../../tools/start/ports.ts';
import { createWebhookSender } from './webhook-sender.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const secretOf = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

test('the receiver of docs/webhooks.md takes what we sign and refuses what others sign', async (t) => {
  const [, sample = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs', 'webhooks.md'), 'utf8')) ?? [];
  const port = await freePort();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', sample], {
    cwd: ROOT,
    env: { ...process.env, WEBHOOK_SECRET: secretOf(1), PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await ended;
  });
  const printed = once(child.stdout, 'data');
  const sender = createWebhookSender({ allowHttp: true, allowedNetworks: ['127.0.0.1/32'], certificateAuthority: null });
  const send = (byte: number) =>
    sender.send(
      { url: `http://127.0.0.1:${port}/`, messageId: 'whd_1', payload: '{"type":"booking.created"}', at: new Date().toISOString(), secrets: [secretOf(byte)], headers: {} },
      new AbortController().signal,
    );
  let first = await send(1);
  for (let tries = 0; first.status === null && tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    first = await send(1);
  }
  t.is(first.status, 204);
  t.is(String((await printed)[0]), 'booking.created\n');
  t.is((await send(2)).status, 400);
});
