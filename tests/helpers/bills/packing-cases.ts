import { createHash } from 'node:crypto';
import type { BillCase, ImportedMonth, Refusal } from './bill-case.ts';
import { billLine, legacyCsv } from './bill-lines.ts';
import type { ExportDirectory } from './export-directory.ts';
import { gzip, MARCH, zip } from './export-directory.ts';

const lines = [billLine({ unblendedCost: '1.25' }), billLine({ unblendedCost: '2.5' })];
const CSV = legacyCsv(lines);
const KEY = `${MARCH}/acme-00001`;

function file(ending: string, content: () => Buffer | string | Promise<Buffer>): BillCase['write'] {
  return async (directory: ExportDirectory) => void (await directory.write(`${KEY}.${ending}`, await content()));
}

function march(outcome: ImportedMonth | Refusal): BillCase['months'] {
  return { '2026-03': outcome };
}

function flipped(bytes: Buffer, fromEnd: number): Buffer {
  const at = bytes.length - fromEnd;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return bytes;
}

/** The bill in two members, the first of which is exactly so many bytes long: noise and an extra header field fill it. */
function membersFilling(bytes: number): Buffer {
  const noise = Array.from({ length: bytes / 40 }, (_, index) => createHash('sha256').update(String(index)).digest('hex')).join('');
  const first = gzip(legacyCsv([billLine({ unblendedCost: '1.25', description: noise })]));
  const extra = Buffer.alloc(bytes - first.length);
  first[3] = 4;
  extra.writeUInt16LE(extra.length - 2);
  const second = legacyCsv([billLine({ unblendedCost: '2.5' })]);
  const filled = Buffer.concat([first.subarray(0, 10), extra, first.subarray(10)]);
  return Buffer.concat([filled, gzip(second.slice(second.indexOf('\n') + 1))]);
}

const damagedGzip = (what: RegExp): Refusal => ({ code: 'billing.gzip-damaged', message: new RegExp(`acme-00001\\.csv\\.gz.*${what.source}`) });

/** How files are packed: gzip, zip, plain, and damage to them. */
export const PACKING_CASES: BillCase[] = [
  {
    title: 'a gzip file of several members is read whole',
    write: file('csv.gz', () => gzip(CSV.slice(0, 900), CSV.slice(900))),
    months: march({ billed: { USD: '3.75' }, rows: 2 }),
  },
  {
    title: 'a gzip member that ends exactly at the edge of what is read at once does not end the file',
    write: file('csv.gz', () => membersFilling(256 * 1024)),
    months: march({ billed: { USD: '3.75' }, rows: 2 }),
  },
  {
    title: 'a truncated gzip file is refused',
    write: file('csv.gz', () => gzip(CSV).subarray(0, -12)),
    months: march(damagedGzip(/unexpected end of file/)),
  },
  {
    title: 'a gzip file without its trailer is refused',
    write: file('csv.gz', () => gzip(CSV).subarray(0, -8)),
    months: march(damagedGzip(/unexpected end of file/)),
  },
  {
    title: 'a gzip file with a wrong checksum is refused',
    write: file('csv.gz', () => flipped(gzip(CSV), 8)),
    months: march(damagedGzip(/incorrect data check/)),
  },
  {
    title: 'a gzip file with a wrong length is refused',
    write: file('csv.gz', () => flipped(gzip(CSV), 4)),
    months: march(damagedGzip(/incorrect length check/)),
  },
  {
    title: 'garbage under the name of a gzip file is refused',
    write: file('csv.gz', () => Buffer.from('this is no gzip file at all')),
    months: march(damagedGzip(/incorrect header check/)),
  },
  {
    title: 'garbage behind a gzip file is refused',
    write: file('csv.gz', () => Buffer.concat([gzip(CSV), Buffer.from('garbage')])),
    months: march(damagedGzip(/incorrect header check/)),
  },
  {
    title: 'zeros behind a gzip file are refused, though gunzip overlooks them',
    write: file('csv.gz', () => Buffer.concat([gzip(CSV), Buffer.alloc(512)])),
    months: march(damagedGzip(/512 bytes of garbage follow/)),
  },
  {
    title: 'a zip file with one entry is read',
    write: file('csv.zip', async () => await zip({ 'acme-00001.csv': CSV })),
    months: march({ billed: { USD: '3.75' }, rows: 2 }),
  },
  {
    title: 'a zip file with two entries is refused by their names',
    write: file('csv.zip', async () => await zip({ 'acme-00001.csv': CSV, 'acme-00002.csv': CSV })),
    months: march({ code: 'billing.zip-entries', message: /acme-00001\.csv\.zip.*2 entries.*acme-00002\.csv/ }),
  },
  {
    title: 'a zip file whose entry climbs out of the folder is refused',
    write: file('csv.zip', async () => await zip({ '../../etc/cron.csv': CSV })),
    months: march({ code: 'billing.zip-unsafe-name', message: /acme-00001\.csv\.zip.*\.\.\/\.\.\/etc/ }),
  },
  {
    title: 'a zip file whose entry has an absolute name is refused',
    write: file('csv.zip', async () => await zip({ '/etc/cron.csv': CSV })),
    months: march({ code: 'billing.zip-unsafe-name', message: /acme-00001\.csv\.zip.*\/etc\/cron/ }),
  },
  {
    title: 'a zip file that was cut off is refused',
    write: file('csv.zip', async () => (await zip({ 'acme-00001.csv': CSV })).subarray(0, -30)),
    months: march({ code: 'billing.zip-damaged', message: /acme-00001\.csv\.zip/ }),
  },
  {
    title: 'a zip file whose content does not have its checksum is refused',
    write: file('csv.zip', async () => {
      const bytes = await zip({ 'acme-00001.csv': CSV });
      const entry = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
      bytes.writeUInt32LE(0x12345678, entry + 16);
      return bytes;
    }),
    months: march({ code: 'billing.zip-damaged', message: /acme-00001\.csv\.zip.*checksum/ }),
  },
  {
    title: 'a zip file that unpacks to absurdly much is refused before it fills the disk',
    write: file('csv.zip', async () => await zip({ 'acme-00001.csv': `${CSV}${' '.repeat(100_000_000)}` })),
    months: march({ code: 'billing.unpacked-too-large', message: /acme-00001\.csv\.zip.*far more than a bill compresses/ }),
  },
  {
    title: 'a file that unpacks to more than the limit is refused',
    write: file('csv.gz', () => gzip(CSV)),
    unpackLimits: { maximumBytes: 1_000, maximumRatio: 200 },
    months: march({ code: 'billing.unpacked-too-large', message: /acme-00001\.csv\.gz.*limit/ }),
  },
  {
    title: 'an empty file is refused',
    write: file('csv', () => ''),
    months: march({ code: 'billing.header-unreadable', message: /acme-00001\.csv.*empty/ }),
  },
  {
    title: 'a part with a header and no line is valid',
    write: file('csv', () => legacyCsv([])),
    months: march({ billed: {}, rows: 0, resources: 0 }),
  },
  {
    title: 'garbage under the name of a Parquet file is refused',
    write: file('parquet', () => Buffer.from('PAR1 this is no Parquet file PAR1')),
    months: march({ code: 'billing.parquet-damaged', message: /acme-00001\.parquet/ }),
  },
];
