export interface Column {
  title: string;
  /** Numbers stand at the right, so that their digits line up. */
  align: 'left' | 'right';
}

/** Lays rows out in columns as wide as their widest cell. */
export function formatTable(columns: Column[], rows: string[][]): string {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const format = (cells: string[]) =>
    columns
      .map(({ align }, index) => (align === 'left' ? (cells[index] ?? '').padEnd(widths[index] ?? 0) : (cells[index] ?? '').padStart(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return [format(columns.map(({ title }) => title)), format(widths.map((width) => '─'.repeat(width))), ...rows.map(format)].join('\n');
}
