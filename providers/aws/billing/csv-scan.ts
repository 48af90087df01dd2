import { createReadStream } from 'node:fs';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** One record of a CSV file as RFC 4180 has it. */
export interface CsvRecord {
  /** Line on which it begins, from 1. */
  line: number;
  fields: string[];
  /** What is not CSV about it, or null. */
  defect: 'unclosed-quote' | 'text-after-quote' | 'not-utf-8' | null;
}

/**
 * Reads a CSV file record by record, strictly, with the line on which each begins. Slower than
 * DuckDB by far: it is there to name the place of what DuckDB refuses. Empty lines are left out.
 */
export async function* scanCsv(path: string, signal: AbortSignal): AsyncGenerator<CsvRecord> {
  const scanner = new CsvScanner();
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
    yield* scanner.push(chunk as Buffer);
  }
  yield* scanner.end();
}

class CsvScanner {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #pending = Buffer.alloc(0);
  #line = 1;

  /** Takes bytes and gives the records that end in them. */
  *push(chunk: Buffer): Generator<CsvRecord> {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let start = 0;
    for (let end = endOfRecord(bytes, start); end !== -1; end = endOfRecord(bytes, start)) {
      yield* this.#record(bytes.subarray(start, end));
      start = end + 1;
    }
    this.#pending = Buffer.from(bytes.subarray(start));
  }

  *end(): Generator<CsvRecord> {
    if (this.#pending.length > 0) yield* this.#record(this.#pending);
  }

  *#record(bytes: Buffer): Generator<CsvRecord> {
    const line = this.#line;
    this.#line += 1 + countOf(bytes, LF);
    const body = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    if (body.length === 0) return;
    try {
      yield { line, ...splitFields(this.#decoder.decode(line === 1 ? withoutBom(body) : body)) };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      yield { line, fields: [], defect: 'not-utf-8' };
    }
  }
}

/** Index of the line feed that ends the record beginning at `start`, or -1 when it ends later. */
function endOfRecord(bytes: Buffer, start: number): number {
  let quote = bytes.indexOf(QUOTE, start);
  let feed = bytes.indexOf(LF, start);
  while (feed !== -1 && quote !== -1 && quote < feed) {
    const closing = bytes.indexOf(QUOTE, quote + 1);
    if (closing === -1) return -1;
    quote = bytes.indexOf(QUOTE, closing + 1);
    if (feed < closing) feed = bytes.indexOf(LF, closing + 1);
  }
  return feed;
}

function splitFields(text: string): { fields: string[]; defect: CsvRecord['defect'] } {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const end = endOfQuoted(text, at + 1);
      if (end === -1) return { fields, defect: 'unclosed-quote' };
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at < text.length && text[at] !== ',') return { fields, defect: 'text-after-quote' };
    } else {
      const comma = text.indexOf(',', at);
      const end = comma === -1 ? text.length : comma;
      fields.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return { fields, defect: null };
    at += 1;
  }
}

function endOfQuoted(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function withoutBom(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function countOf(bytes: Buffer, wanted: number): number {
  let count = 0;
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) count += 1;
  return count;
}
