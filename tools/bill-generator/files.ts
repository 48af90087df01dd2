import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Column } from './legacy-columns.ts';
import type { LineItem } from './line-item.ts';

const BUFFER_CHARACTERS = 1 << 18;
const MUST_QUOTE = /[",\r\n]/;

/** One value as RFC 4180 writes it. */
export function csvValue(value: string): string {
  return MUST_QUOTE.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Writes rows to one CSV file with a header, gzipped where the path says so. */
export class CsvFile {
  readonly #columns: readonly Column[];
  readonly #into: Writable;
  readonly #done: Promise<unknown>;
  #buffer: string;

  private constructor(columns: readonly Column[], into: Writable, done: Promise<unknown>) {
    this.#columns = columns;
    this.#into = into;
    this.#done = done;
    this.#buffer = `${columns.map(({ name }) => csvValue(name)).join(',')}\n`;
  }

  static async create(path: string, columns: readonly Column[]): Promise<CsvFile> {
    await mkdir(dirname(path), { recursive: true });
    const file = createWriteStream(path);
    if (!path.endsWith('.gz')) return new CsvFile(columns, file, finished(file));
    const gzip = createGzip({ chunkSize: 1 << 17 });
    const done = Promise.all([finished(gzip), finished(file)]);
    gzip.pipe(file);
    return new CsvFile(columns, gzip, done);
  }

  /** True when enough rows have gathered that `flush` should be awaited. */
  write(item: LineItem): boolean {
    let row = '';
    for (const column of this.#columns) {
      const value = column.value(item);
      row += column.isFreeText ? `${csvValue(value)},` : `${value},`;
    }
    this.#buffer += `${row.slice(0, -1)}\n`;
    return this.#buffer.length >= BUFFER_CHARACTERS;
  }

  async flush(): Promise<void> {
    const chunk = Buffer.from(this.#buffer);
    this.#buffer = '';
    if (!this.#into.write(chunk)) await Promise.race([once(this.#into, 'drain'), this.#done]);
  }

  async close(): Promise<void> {
    await this.flush();
    this.#into.end();
    await this.#done;
  }
}
