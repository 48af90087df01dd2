import test from 'ava';
import { classifyKey, isBelow, listingPrefixes, locationOfRoot } from './export-layout.ts';

test('keys are sorted by their folders, in every layout', (t) => {
  t.like(classifyKey('cur/acme/20260301-20260401/20260304T051500Z/acme-00001.csv.gz'), {
    kind: 'data', layout: 'report-csv', root: 'cur/acme', period: '2026-03-01', version: '20260304T051500Z',
  });
  t.like(classifyKey('cur/acme/20260301-20260401/acme-Manifest.json'), { kind: 'manifest', version: '' });
  t.like(classifyKey('cur/acme/20260301-20260401/x/acme-Manifest.json'), { kind: 'manifest', version: 'x' });
  t.like(classifyKey('cur/acme/acme/year=2026/month=3/acme-00001.snappy.parquet'), { kind: 'data', layout: 'report-parquet', root: 'cur/acme/acme' });
  t.like(classifyKey('p/e/data/BILLING_PERIOD=2026-03/2026-03-28T13:14:37.728Z-8c5a/e-00001.csv.gz'), { kind: 'data', layout: 'data-export', root: 'p/e' });
  t.like(classifyKey('p/e/metadata/BILLING_PERIOD=2026-03/Manifest.json'), { kind: 'manifest', layout: 'data-export', root: 'p/e' });
  t.deepEqual(classifyKey('cur/acme/cost_and_usage_data_status/part.parquet'), { kind: 'status', root: 'cur/acme' });
  t.deepEqual(classifyKey('aws-programmatic-access-test-object'), { kind: 'ignored' });
  t.deepEqual(classifyKey('cur/acme/20260301-20260401/acme-RedshiftManifest.json'), { kind: 'ignored' });
  t.deepEqual(classifyKey('my-cur.csv'), { kind: 'loose' });
});

test('prefixes stay verbatim, with double and leading slashes', (t) => {
  const rootOf = (key: string) => {
    const found = classifyKey(key);
    return 'layout' in found ? locationOfRoot(found.root, found.layout) : null;
  };
  t.deepEqual(rootOf('cur//acme/20260301-20260401/acme-1.csv'), { prefix: 'cur/', name: 'acme' });
  t.deepEqual(rootOf('/acme/20260301-20260401/acme-1.csv'), { prefix: '', name: 'acme' });
  t.deepEqual(rootOf('20260301-20260401/acme-1.csv'), { prefix: '', name: null });
  t.deepEqual(rootOf('cur/acme/acme/year=2026/month=3/a.parquet'), { prefix: 'cur', name: 'acme' });
  t.deepEqual(rootOf('acme/acme/20260301-20260401/a.csv'), { prefix: 'acme', name: 'acme' });
});

test('an export is looked for where AWS writes it, however its prefix ends', (t) => {
  t.deepEqual(listingPrefixes({ prefix: 'cur', name: 'acme' }), ['cur/acme/']);
  t.deepEqual(listingPrefixes({ prefix: 'cur/', name: 'acme' }), ['cur/acme/', 'cur//acme/']);
  t.deepEqual(listingPrefixes({ prefix: '', name: 'acme' }), ['acme/', '/acme/']);
  t.true(isBelow('cur/acme/x', 'cur'));
  t.false(isBelow('curious/x', 'cur'));
});
