import test from 'ava';
import { clientOf, countedAs, networkOf } from './session.ts';

test('of an address its network is kept', (t) => {
  for (const [address, network] of [
    ['198.51.100.77', '198.51.100.0/24'],
    ['::ffff:198.51.100.77', '198.51.100.0/24'],
    ['2001:db8:12:34::9', '2001:db8:12::/48'],
    ['2001:0db8:0012:0034:0:0:0:9', '2001:db8:12::/48'],
    ['2001:db8::9', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0::/48'],
    ['nonsense', 'unknown'],
    ['', 'unknown'],
  ] as const) t.is(networkOf(address), network, address);
});

test('limits count an IPv4 address by itself, an IPv6 one with its network', (t) => {
  t.deepEqual(['198.51.100.77', '::ffff:198.51.100.77', '2001:db8:12:34::9', 'unknown'].map(countedAs), ['198.51.100.77', '198.51.100.77', '2001:db8:12::/48', 'unknown']);
});

test('of a User-Agent the kind of browser and system is kept', (t) => {
  t.is(clientOf('Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'), 'Firefox on Linux');
  t.is(clientOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36 Edg/129.0'), 'Edge on Windows');
  t.is(clientOf('Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Version/17.6 Mobile/15E148 Safari/604.1'), 'Safari on iOS');
  t.is(clientOf('curl/8.9.1'), 'curl');
  t.is(clientOf(undefined), 'another program');
});
