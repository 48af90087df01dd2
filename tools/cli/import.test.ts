import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { ApiClient, type DataSource } from './api-client.ts';
import { ensureDataSource, readPlace } from './import.ts';

const bucketSource = (id: string, prefix: string, name: string): DataSource => ({
  id, name: id, cloud: 'aws', account_id: '012345678901', export: { scheme: 'bucket-only', bucket: 'bills', prefix, name },
});

/** Which of the known data sources is used for a place; `new` where none is. */
async function usedFor(sources: DataSource[], text: string, report?: string): Promise<string> {
  const client = new ApiClient('http://127.0.0.1:9', 'orr_none');
  client.listDataSources = () => Promise.resolve(sources);
  client.createDataSource = (_, { name }) => Promise.resolve({ dataSource: { id: 'new', name, cloud: 'aws', account_id: '1' } });
  const { source } = await ensureDataSource(client, 'org_1', readPlace(text), report === undefined ? {} : { report }, {});
  return source.id;
}

test('a bucket’s data source is known by every folder that leads to its export', async (t) => {
  const sources = [bucketSource('deep', 'finance/cur', 'acme'), { ...bucketSource('elsewhere', 'finance', 'x'), export: { scheme: 'bucket-only', bucket: 'other', prefix: '', name: 'x' } }];
  for (const place of ['s3://bills', 's3://bills/', 's3://bills/finance', 's3://bills/finance/cur/', 's3://bills/finance/cur/acme']) t.is(await usedFor(sources, place), 'deep', place);
  for (const place of ['s3://bills/fin', 's3://bills/finance/cur/acme/20261001-20261101', 's3://bill']) t.is(await usedFor(sources, place), 'new', place);
});

test('a report that is named chooses, and where none is, several are not guessed between', async (t) => {
  const sources = [bucketSource('east', 'cur', 'east-report'), bucketSource('west', 'cur', 'west-report')];
  t.is(await usedFor(sources, 's3://bills', 'west-report'), 'west');
  t.is(await usedFor(sources, 's3://bills', 'north-report'), 'new');
  t.is(await usedFor(sources, 's3://bills/cur/east-report'), 'east');
  await t.throwsAsync(usedFor(sources, 's3://bills/cur'), { code: 'several-data-sources', message: /^2 data sources lie there; .*--report.*\n {2}east \(east\): cur\/east-report\n {2}west \(west\): cur\/west-report$/ });
});

test('a directory’s data source is known by its path, and by its report where one is named', async (t) => {
  const source: DataSource = { id: 'local', name: 'local', cloud: 'aws', account_id: '1', export: { scheme: 'directory', path: '/bills', prefix: 'cur', name: 'acme' } };
  t.is(await usedFor([source], '/bills'), 'local');
  t.is(await usedFor([source], '/bills', 'acme'), 'local');
  t.is(await usedFor([source], '/bills', 'other'), 'new');
  t.is(await usedFor([source], '/bills/cur'), 'new');
});

test('what answers at the address without being Orrery is said to, without a stack', async (t) => {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>')).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await t.throwsAsync(new ApiClient(url, 'orr_none').listOrganizations(), { name: 'ApiError', message: /answered with 200 by something that is not Orrery\. Check ORRERY_URL/ });
});
