/** What the parent sends its DuckDB child: one statement; answered in order of completion. */
export interface DuckDbRequest {
  id: number;
  sql: string;
}

export type DuckDbRow = Record<string, unknown>;

/** What the child answers. Rows are JSON: numbers beyond doubles, decimals and timestamps are text. */
export type DuckDbReply =
  | { id: number; rows: DuckDbRow[] }
  | { id: number; error: string };

/** Settings of a child, given on its command line as JSON. */
export interface DuckDbSettings {
  memoryLimitMb: number;
  threads: number;
  /** Where DuckDB spills; must exist. */
  temporaryDirectory: string;
}
