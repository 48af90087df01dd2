import test from 'ava';
import { createRequire } from 'node:module';
import { createAlibabaClients } from './clients.ts';
import { createAlibabaProvider } from './provider.ts';
import { ALIBABA_DEFAULTS } from './settings.ts';

const key = { kind: 'access-key', access_key_id: 'LTAI5tAbcdefgh1234567890', access_key_secret: 'x'.repeat(30) } as const;

/** The SDK is CommonJS, so whatever of it is loaded stands in this list. */
function loadedSdk(): string[] {
  return Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('@alicloud'));
}

test.serial('an open account loads no SDK before its first call', async (t) => {
  const account = createAlibabaProvider(ALIBABA_DEFAULTS).open({
    organizationId: 'org_01jd8000000000000000000001',
    dataSourceId: 'ds_01jd8000000000000000000001',
    accountId: '1234567890123456',
    connection: {},
    credentials: key,
  });
  t.is((await account.power.observe([], new AbortController().signal)).size, 0);
  t.deepEqual(loadedSdk(), []);
  await createAlibabaClients(ALIBABA_DEFAULTS, key).ecs('cn-hangzhou');
  t.true(loadedSdk().length > 0);
});

test.serial('each region has its own endpoint, and its client is made once', async (t) => {
  const clients = createAlibabaClients(ALIBABA_DEFAULTS, key);
  t.is((await clients.ecs('eu-central-1'))._endpoint, 'ecs.eu-central-1.aliyuncs.com');
  t.is((await clients.ecs('cn-hangzhou'))._endpoint, 'ecs-cn-hangzhou.aliyuncs.com');
  t.is((await clients.sts('eu-central-1'))._endpoint, 'sts.eu-central-1.aliyuncs.com');
  t.is(await clients.ecs('eu-central-1'), await clients.ecs('eu-central-1'));
});

test.serial("an endpoint of one's own stands for every region", async (t) => {
  const clients = createAlibabaClients({ ...ALIBABA_DEFAULTS, endpoints: { ecs: 'http://127.0.0.1:4571', sts: 'https://gateway.example.com' } }, key);
  const ecs = await clients.ecs('eu-central-1');
  t.like({ endpoint: ecs._endpoint, protocol: ecs._protocol }, { endpoint: '127.0.0.1:4571', protocol: 'http' });
  const sts = await clients.sts('eu-central-1');
  t.like({ endpoint: sts._endpoint, protocol: sts._protocol }, { endpoint: 'gateway.example.com', protocol: 'https' });
});
