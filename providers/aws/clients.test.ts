import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { awsAccount, peerSettings } from '../../tests/helpers/peers/aws-account.ts';
import { serve } from '../../tests/helpers/peers/http-server.ts';
import { MOTO_ACCOUNT, startMoto } from '../../tests/helpers/peers/moto.ts';
import { createAwsConnectionChecker } from './connection-checker.ts';
import type { AwsSettings } from './settings.ts';

/** Checks a linked account with the default chain, in a process with no surroundings but the given. */
async function checkByDefaultChain(aws: AwsSettings, env: Record<string, string>): Promise<string> {
  const program = `
    const { createAwsConnectionChecker } = await import(${JSON.stringify(new URL('./connection-checker.ts', import.meta.url).href)});
    const checker = createAwsConnectionChecker({ aws: ${JSON.stringify(aws)}, allowedRoots: [] });
    const checked = checker.check({ kind: 'linked' }, { kind: 'default-chain' }, new AbortController().signal);
    console.log(await checked.then((found) => found.principalArn, (error) => error.code));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await once(child, 'close');
  return output.trim();
}

test("the default chain takes the worker's own credentials, and says when there are none", async (t) => {
  const moto = await startMoto();
  const key = await awsAccount(moto.url).createUser('worker');
  await moto.enforceAuth();
  const aws = peerSettings({ sts: moto.url });
  const surroundings = { AWS_ACCESS_KEY_ID: key.access_key_id, AWS_SECRET_ACCESS_KEY: key.secret_access_key };
  t.is(await checkByDefaultChain(aws, surroundings), `arn:aws:iam::${MOTO_ACCOUNT}:user/worker`);
  t.is(await checkByDefaultChain(aws, {}), 'aws.no-credentials');
  await moto.stop();
});

const key = { kind: 'key-pair', access_key_id: 'AKIA0123456789ABCDEF', secret_access_key: 'x'.repeat(40) } as const;

test('a service that never answers is given up after the time-out', async (t) => {
  const silent = await serve(() => new Promise(() => undefined));
  const aws = { ...peerSettings({ sts: silent.url }), responseTimeoutMs: 200 };
  const checker = createAwsConnectionChecker({ aws, allowedRoots: [] });
  await t.throwsAsync(checker.check({ kind: 'linked' }, key, new AbortController().signal), { code: 'aws.unreachable' });
  await silent.stop();
});

test('a cancelled check ends with the reason it was cancelled for', async (t) => {
  const controller = new AbortController();
  const reason = new Error('the person gave up');
  const silent = await serve(() => {
    controller.abort(reason);
    return new Promise(() => undefined);
  });
  const checker = createAwsConnectionChecker({ aws: peerSettings({ sts: silent.url }), allowedRoots: [] });
  t.is(await t.throwsAsync(checker.check({ kind: 'linked' }, key, controller.signal)), reason);
  await silent.stop();
});
