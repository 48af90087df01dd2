import test from 'ava';
import { addressRule } from './receiver-address.ts';
import { createWebhookTargets } from './webhook-targets.ts';

const REFUSED = [
  '127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0',
  '224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1', '240.0.0.1', '::1', '::', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'fec0::1', 'ff02::1',
  '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001::1', '2001:db8::1', 'localhost', '',
];

test('an address that is not publicly routable is refused, also in the clothes of another', (t) => {
  const { allows } = addressRule([]);
  t.deepEqual(REFUSED.filter((address) => allows(address)), []);
  for (const address of ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::ffff:93.184.215.14']) t.true(allows(address), address);
});

test('a network that the operator names is allowed, and nothing beside it', (t) => {
  const { allows } = addressRule(['10.20.0.0/16', 'fd00:1::/32']);
  for (const address of ['10.20.0.1', '10.20.255.255', '::ffff:10.20.0.1', 'fd00:1::5']) t.true(allows(address), address);
  for (const address of ['10.21.0.1', '127.0.0.1', 'fd00:2::5']) t.false(allows(address), address);
});

test('a URL is refused for its scheme, user, fragment or address, in whatever notation', (t) => {
  const strict = createWebhookTargets({ allowHttp: false, allowedNetworks: [] });
  const refused = [
    'hooks.example.org', 'http://hooks.example.org', 'ftp://hooks.example.org', 'https://user@hooks.example.org', 'https://:secret@hooks.example.org', 'https://hooks.example.org/#a',
    'https://127.0.0.1', 'https://2130706433/', 'https://0x7f.1/', 'https://[::1]:8443/', 'https://[::ffff:169.254.169.254]/', 'https://169.254.169.254/latest/meta-data',
  ];
  for (const url of refused) t.throws(() => strict.requireAllowed(url), { code: 'webhooks.url-refused' }, url);
  for (const url of ['https://hooks.example.org', 'https://hooks.example.org:8443/a?b=c', 'https://93.184.215.14/']) t.notThrows(() => strict.requireAllowed(url), url);
  const lenient = createWebhookTargets({ allowHttp: true, allowedNetworks: ['127.0.0.0/8'] });
  t.notThrows(() => lenient.requireAllowed('http://127.0.0.1:3000/hook'));
});
