import { DuckDBInstance } from '@duckdb/node-api';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cur2Column, Cur2Type } from './cur2-columns.ts';

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const CSV_TYPES: Readonly<Record<Cur2Type, string>> = {
  string: 'VARCHAR', double: 'DOUBLE', timestamp: 'TIMESTAMP', 'map<string,string>': 'VARCHAR', 'map<string,double>': 'VARCHAR',
};

function selected({ name, type }: Cur2Column): string {
  if (type === 'map<string,string>') return `CAST(${name}::JSON AS MAP(VARCHAR, VARCHAR)) AS ${name}`;
  if (type === 'map<string,double>') return `CAST(${name}::JSON AS MAP(VARCHAR, DOUBLE)) AS ${name}`;
  return name;
}

/** Turns CSV files of CUR 2.0 into snappy parquet files with its types; an empty value becomes null. */
export async function convertToParquet(files: readonly { csv: string; parquet: string }[], columns: readonly Cur2Column[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB', preserve_insertion_order: 'true' });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const types = columns.map(({ name, type }) => `${literal(name)}: ${literal(CSV_TYPES[type])}`).join(', ');
    for (const { csv, parquet } of files) {
      await mkdir(dirname(parquet), { recursive: true });
      await connection.run(
        `COPY (SELECT ${columns.map(selected).join(', ')} FROM read_csv(${literal(csv)}, header = true, delim = ',', quote = '"', ` +
        `escape = '"', nullstr = '', columns = {${types}})) TO ${literal(parquet)} (FORMAT parquet, COMPRESSION snappy)`,
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
