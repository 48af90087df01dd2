import type { BillCase } from './bill-case.ts';
import { billLine, cur2Csv, legacyCsv, parquetSelect } from './bill-lines.ts';
import { gzip, MARCH } from './export-directory.ts';

const bill = (cost: string): string => legacyCsv([billLine({ unblendedCost: cost })]);
const EXPORT = 'cur2/acme2';
const MARCH_PARTITION = 'BILLING_PERIOD=2026-03';
const EXECUTION = '2026-03-28T13:14:37.728Z-8c5a76cc-57d0-437d-851b-064e27aa8b06';

/** How exports are delivered: manifests, versions, partitions, debris. */
export const DELIVERY_CASES: BillCase[] = [
  {
    title: 'many assembly folders lie side by side, and the manifest of the period names the older one',
    async write(directory) {
      const key = await directory.write(`${MARCH}/20260304T051500Z/acme-00001.csv.gz`, gzip(bill('1.5')));
      await directory.write(`${MARCH}/20260309T051500Z/acme-00001.csv.gz`, gzip(bill('99')));
      await directory.write(`${MARCH}/20260309T051500Z/acme-Manifest.json`, '{}');
      await directory.writeReportManifest(MARCH, 'acme', [key]);
    },
    months: { '2026-03': { billed: { USD: '1.5' }, completeness: 'manifest' } },
  },
  {
    title: 'many assembly folders without a manifest of the period are not guessed at',
    async write(directory) {
      await directory.write(`${MARCH}/20260304T051500Z/acme-00001.csv.gz`, gzip(bill('1.5')));
      await directory.write(`${MARCH}/20260309T051500Z/acme-00001.csv.gz`, gzip(bill('99')));
    },
    months: { '2026-03': { code: 'billing.ambiguous-version', message: /2026-03-01.*20260304T051500Z/ } },
  },
  {
    title: 'a month in several parts with other column orders is read whole',
    async write(directory) {
      const one = await directory.write(`${MARCH}/acme-00001.csv.gz`, gzip(bill('1.25')));
      const columns = ['unblendedCost', 'currency', 'lineItemType', 'accountId', 'usageEnd', 'usageStart', 'periodStart', 'resourceId'] as const;
      const two = await directory.write(`${MARCH}/acme-2.csv.gz`, gzip(legacyCsv([billLine({ unblendedCost: '2.5' })], { columns })));
      await directory.writeReportManifest(MARCH, 'acme', [two, one]);
    },
    months: { '2026-03': { billed: { USD: '3.75' }, rows: 2 } },
  },
  {
    title: 'a manifest that names a missing part fails its month and no other',
    async write(directory) {
      const key = await directory.write(`${MARCH}/acme-00001.csv`, bill('1'));
      await directory.writeReportManifest(MARCH, 'acme', [key, `${MARCH}/acme-00002.csv`]);
      const april = 'cur/acme/20260401-20260501';
      const lines = [billLine({ unblendedCost: '4', periodStart: '2026-04-01T00:00:00Z' })];
      const aprilKey = await directory.write(`${april}/acme-00001.csv`, legacyCsv(lines));
      await directory.writeReportManifest(april, 'acme', [aprilKey], { billingPeriod: { start: '20260401T000000.000Z' } });
    },
    months: {
      '2026-03': { code: 'billing.manifest-object-missing', message: /acme-00002\.csv/ },
      '2026-04': { billed: { USD: '4' } },
    },
  },
  {
    title: 'a folder without a manifest is read with completeness unproven',
    async write(directory) {
      await directory.write(`${MARCH}/acme-00001.csv`, bill('7'));
    },
    months: { '2026-03': { billed: { USD: '7' }, completeness: 'unproven', warnings: [/no manifest/] } },
  },
  {
    title: 'an export copied under another prefix is found below its own root',
    async write(directory) {
      await directory.write('copy/acme/20260301-20260401/acme-00001.csv', bill('3'));
      await directory.writeReportManifest('copy/acme/20260301-20260401', 'acme', [`${MARCH}/acme-00001.csv`]);
    },
    months: { '2026-03': { billed: { USD: '3' }, completeness: 'manifest' } },
  },
  {
    title: 'the test object, crawler templates and Redshift files are ignored',
    async write(directory) {
      const key = await directory.write(`${MARCH}/acme-00001.csv`, bill('2'));
      await directory.writeReportManifest(MARCH, 'acme', [key]);
      await directory.write('aws-programmatic-access-test-object', 'x');
      await directory.write(`${MARCH}/crawler-cfn.yml`, 'x');
      await directory.write(`${MARCH}/acme-create-table.sql`, 'x');
      await directory.write(`${MARCH}/acme-RedshiftManifest.json`, '{}');
    },
    months: { '2026-03': { billed: { USD: '2' }, completeness: 'manifest' } },
  },
  {
    title: 'a manifest that is not JSON fails its month',
    async write(directory) {
      await directory.write(`${MARCH}/acme-00001.csv`, bill('2'));
      await directory.write(`${MARCH}/acme-Manifest.json`, '{"reportKeys": [');
    },
    months: { '2026-03': { code: 'billing.manifest-invalid', message: /acme-Manifest\.json is not JSON/ } },
  },
  {
    title: 'a manifest of another month in this folder fails its month',
    async write(directory) {
      const key = await directory.write(`${MARCH}/acme-00001.csv`, bill('2'));
      await directory.writeReportManifest(MARCH, 'acme', [key], { billingPeriod: { start: '20260201T000000.000Z' } });
    },
    months: { '2026-03': { code: 'billing.manifest-invalid', message: /2026-02-01.*2026-03-01/ } },
  },
  {
    title: 'a Parquet report with an unpadded month and READY status is read',
    async write(directory) {
      const root = 'cur/acme/acme';
      const key = await directory.writeParquet(`${root}/year=2026/month=3/acme-00001.snappy.parquet`, parquetSelect([billLine()], 'legacy'));
      await directory.writeReportManifest(`${root}/year=2026/month=3`, 'acme', [key]);
      await directory.writeParquet(`${root}/cost_and_usage_data_status/status.parquet`, "SELECT 'READY' AS status");
    },
    months: { '2026-03': { billed: { USD: '0.096' }, completeness: 'manifest', nativeIds: ['i-0123456789abcdef0'] } },
  },
  {
    title: 'a Parquet report that AWS is rewriting is left alone',
    async write(directory) {
      await directory.writeParquet('cur/acme/acme/year=2026/month=3/acme-00001.snappy.parquet', parquetSelect([billLine()], 'legacy'));
      await directory.writeParquet('cur/acme/cost_and_usage_data_status/status.parquet', "SELECT 'UPDATING' AS status");
    },
    refusedAtOnce: { code: 'billing.export-updating', message: /status\.parquet says UPDATING/ },
  },
  {
    title: 'a Data Exports manifest with s3 names lists an execution folder and an empty last part',
    async write(directory) {
      const folder = `${EXPORT}/data/${MARCH_PARTITION}/${EXECUTION}`;
      const one = await directory.write(`${folder}/acme2-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '1.1' })])));
      const two = await directory.write(`${folder}/acme2-00002.csv.gz`, gzip(cur2Csv([])));
      await directory.write(`${EXPORT}/data/${MARCH_PARTITION}/2026-03-01T00:00:00.000Z-old/acme2-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '50' })])));
      const manifest = { dataFiles: [`s3://bills/${one}`, `s3://bills/${two}`], columns: [{ name: 'line_item_unblended_cost', type: 'double' }] };
      await directory.write(`${EXPORT}/metadata/${MARCH_PARTITION}/acme2-Manifest.json`, JSON.stringify(manifest));
      await directory.write(`${EXPORT}/metadata/${MARCH_PARTITION}/2026-03-01T00:00:00.000Z-old/acme2-Manifest.json`, '{}');
    },
    months: { '2026-03': { billed: { USD: '1.1' }, rows: 1, completeness: 'manifest' } },
  },
  {
    title: 'a Data Exports manifest named Manifest.json with bare keys is read, its partition in lower case',
    async write(directory) {
      const key = await directory.write(`${EXPORT}/data/billing_period=2026-03/acme2-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '6' })])));
      await directory.write(`${EXPORT}/metadata/billing_period=2026-03/Manifest.json`, JSON.stringify({ dataFiles: [key] }));
    },
    months: { '2026-03': { billed: { USD: '6' }, completeness: 'manifest' } },
  },
  {
    title: 'a copied Data Export without its metadata is read with completeness unproven',
    async write(directory) {
      await directory.write(`${EXPORT}/data/${MARCH_PARTITION}/acme2-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '6' })])));
    },
    months: { '2026-03': { billed: { USD: '6' }, completeness: 'unproven' } },
  },
  {
    title: 'a month delivered both as CUR and as CUR 2.0 under one name is counted once',
    async write(directory) {
      const old = await directory.write(`${MARCH}/acme-00001.csv`, bill('9'));
      await directory.writeReportManifest(MARCH, 'acme', [old]);
      const key = await directory.write(`cur/acme/data/${MARCH_PARTITION}/acme-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '9' })])));
      await directory.write(`cur/acme/metadata/${MARCH_PARTITION}/acme-Manifest.json`, JSON.stringify({ dataFiles: [key] }));
    },
    months: { '2026-03': { billed: { USD: '9' }, warnings: [/older format/] } },
  },
  {
    title: 'a FOCUS export beside a CUR 2.0 export is told by its columns and left out',
    async write(directory) {
      const key = await directory.write(`${EXPORT}/data/${MARCH_PARTITION}/acme2-00001.csv.gz`, gzip(cur2Csv([billLine({ unblendedCost: '5' })])));
      await directory.write(`${EXPORT}/metadata/${MARCH_PARTITION}/acme2-Manifest.json`, JSON.stringify({ dataFiles: [key] }));
      const focus = await directory.write(`cur2/focus/data/${MARCH_PARTITION}/focus-00001.csv.gz`, gzip('BilledCost,ChargePeriodStart\n1,2026-03-01\n'));
      const columns = [{ name: 'BilledCost', type: 'double' }, { name: 'ChargePeriodStart', type: 'timestamp' }];
      await directory.write(`cur2/focus/metadata/${MARCH_PARTITION}/focus-Manifest.json`, JSON.stringify({ dataFiles: [focus], columns }));
    },
    months: { '2026-03': { billed: { USD: '5' } } },
  },
  {
    title: 'two exports below one prefix are not mixed',
    async write(directory) {
      await directory.write(`${MARCH}/acme-00001.csv`, bill('1'));
      await directory.write('cur/other/20260301-20260401/other-00001.csv', bill('2'));
    },
    refusedAtOnce: { code: 'billing.several-exports', message: /cur\/acme, cur\/other/ },
  },
  {
    title: 'a file replaced between listing and reading is not read',
    async write(directory) {
      await directory.write(`${MARCH}/acme-00001.csv`, bill('1'));
    },
    async meanwhile(directory) {
      await directory.write(`${MARCH}/acme-00001.csv`, bill('1.000001'));
    },
    months: { '2026-03': { code: 'billing.object-changed', message: /acme-00001\.csv/ } },
  },
];
