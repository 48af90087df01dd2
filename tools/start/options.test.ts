import { createServer } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import { ConfigError } from '../../config.ts';
import { ApiError } from '../cli/api-client.ts';
import { closingBlock } from './closing-block.ts';
import { readOptions } from './options.ts';
import { freePort, isFree, requireFree } from './ports.ts';
import { reasonOf, StartError } from './steps.ts';

test('without flags everything has its documented place', (t) => {
  t.deepEqual(readOptions([], '/home/me/orrery'), {
    dataDirectory: '/home/me/orrery/.orrery',
    port: 8080,
    portSetting: '--port',
    temporalPort: 7233,
    temporalUiPort: 8233,
    sample: true,
    help: false,
  });
});

test('each flag changes its own value', (t) => {
  const options = readOptions(['--port', '9000', '--temporal-port=9001', '--temporal-ui-port', '9002', '--data-dir', '/data/', '--no-sample'], '/home/me');
  t.deepEqual(options, { dataDirectory: '/data', port: 9000, portSetting: '--port', temporalPort: 9001, temporalUiPort: 9002, sample: false, help: false });
});

test('ORRERY_PORT goes before the flag, and is named where it is wrong or taken', async (t) => {
  t.like(readOptions(['--port', '9000'], '/', { ORRERY_PORT: '9100' }), { port: 9100, portSetting: 'ORRERY_PORT' });
  t.like(readOptions(['--port', '9000'], '/', { ORRERY_PORT: '' }), { port: 9000, portSetting: '--port' });
  t.throws(() => readOptions([], '/', { ORRERY_PORT: 'http' }), { instanceOf: StartError, message: /^ORRERY_PORT http is no port number/ });
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  await t.throwsAsync(requireFree(port, 'the API', 'ORRERY_PORT'), { instanceOf: StartError, message: new RegExp(`: ORRERY_PORT=${port + 1} npm start$`) });
  server.close();
});

test('what a person can put right is printed without a stack', (t) => {
  for (const error of [new StartError('a'), new ConfigError([{ variable: 'A', problem: 'b' }]), new ApiError('c', 'd')]) t.is(reasonOf(error), error.message);
  const bug = new TypeError('e');
  t.is(reasonOf(bug), bug);
});

test('an unknown flag is refused by name, with the usage', (t) => {
  t.throws(() => readOptions(['--prot', '1'], '/'), { instanceOf: StartError, message: /'--prot'.*--temporal-ui-port N/s });
});

for (const value of ['0', '65536', 'http', '80.5']) {
  test(`--port ${value} is refused`, (t) => {
    t.throws(() => readOptions(['--port', value], '/'), { instanceOf: StartError, message: /--port .* is no port number/ });
  });
}

test('a taken port is named with the flag that changes it', async (t) => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.false(await isFree(port));
  await t.throwsAsync(requireFree(port, 'the API', '--port'), { instanceOf: StartError, message: new RegExp(`Port ${port}.*the API.*--port ${port + 1}`) });
  server.close();
  await once(server, 'close');
  await t.notThrowsAsync(requireFree(port, 'the API', '--port'));
});

test('the closing block asks what a month cost with the token read from its file', (t) => {
  const facts = {
    apiUrl: 'http://127.0.0.1:8080',
    temporalUiUrl: 'http://127.0.0.1:8233',
    tokenFile: "/home/o'neil/.orrery/administrator-token",
    organizationId: 'org_1',
    month: '2026-10',
    nextMonth: '2026-11',
    demonstrates: true,
    logDirectory: '/home/me/.orrery/logs',
    mailDirectory: '/home/me/.orrery/mail',
    dataDirectory: null,
    tookSeconds: 7.04,
  };
  const block = closingBlock(facts);
  const address = '"http://127.0.0.1:8080/v1/organizations/org_1/expenses?start=2026-10-01&end=2026-11-01&group_by=service"';
  t.true(block.includes(`$(cat '/home/o'\\''neil/.orrery/administrator-token')" ${address}`));
  t.regex(block, /Temporal Web UI {12}http:\/\/127\.0\.0\.1:8233/);
  t.regex(closingBlock({ ...facts, dataDirectory: '/data' }), /orrery\.mjs costs --by service --month 2026-10 --data-dir \/data\n/);
  t.regex(block, /Start one, then look at power-run\/… in the Temporal Web UI:\n.*orrery\.mjs schedules -o Demonstration\n.*orrery\.mjs power start ci-runner-2 -o Demonstration\n/);
  t.notRegex(closingBlock({ ...facts, temporalUiUrl: null }), /Temporal Web UI/);
  t.regex(block, /Mails, as files {12}\/home\/me\/\.orrery\/mail \(ORRERY_SMTP_URL sends them\)\n/);
  t.notRegex(closingBlock({ ...facts, mailDirectory: null }), /Mails/);
  t.notRegex(closingBlock({ ...facts, demonstrates: false }), /Demonstration/);
});
