import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { ZipFile } from 'yazl';
import { DuckDbProcess } from '../../../providers/duckdb/duckdb-process.ts';

/** An AWS export in a directory, written by code. */
export class ExportDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<ExportDirectory> {
    return new ExportDirectory(await mkdtemp(join(tmpdir(), 'orrery-bills-')));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Writes a file and gives its key. */
  async write(key: string, content: string | Buffer): Promise<string> {
    await mkdir(dirname(join(this.path, key)), { recursive: true });
    await writeFile(join(this.path, key), content);
    return key;
  }

  async writeParquet(key: string, select: string): Promise<string> {
    const path = join(this.path, key);
    await mkdir(dirname(path), { recursive: true });
    const settings = { memoryLimitMb: 200, threads: 1, temporaryDirectory: this.path };
    await using duckDb = new DuckDbProcess(settings, new AbortController().signal);
    await duckDb.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`);
    return key;
  }

  /** A legacy manifest in the folder of its period. */
  async writeReportManifest(folder: string, name: string, reportKeys: string[], changes: Record<string, unknown> = {}): Promise<void> {
    const manifest = {
      assemblyId: '20260304T051500Z',
      account: '012345678901',
      charset: 'UTF-8',
      compression: 'GZIP',
      contentType: 'text/csv',
      reportId: 'a'.repeat(64),
      reportName: name,
      billingPeriod: { start: '20260301T000000.000Z', end: '20260401T000000.000Z' },
      bucket: 'bills',
      reportKeys,
      ...changes,
    };
    await this.write(`${folder}/${name}-Manifest.json`, JSON.stringify(manifest));
  }
}

/** The folder of March 2026 of the report `acme`. */
export const MARCH = 'cur/acme/20260301-20260401';

export function gzip(...members: (string | Buffer)[]): Buffer {
  return Buffer.concat(members.map((member) => gzipSync(member)));
}

/** A zip of these entries; names are written as they are, also unsafe ones. */
export async function zip(entries: Record<string, string | Buffer>): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, content] of Object.entries(entries)) file.addBuffer(Buffer.from(content), name.replaceAll('.', '_').replaceAll('/', '_'));
  file.end();
  const bytes = await buffer(file.outputStream);
  for (const name of Object.keys(entries)) renameEntry(bytes, name.replaceAll('.', '_').replaceAll('/', '_'), name);
  return bytes;
}

/** yazl refuses unsafe names, so they are put in afterwards; both names have the same length. */
function renameEntry(bytes: Buffer, from: string, to: string): void {
  for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + 1)) bytes.write(to, at, 'latin1');
}
