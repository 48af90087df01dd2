import type { FirstPage, Run, RunItem } from './power-shapes.ts';
import { formatTable } from './table.ts';

/** One line a run, newest first. */
export function describeRuns({ items: runs, total }: FirstPage<Run>): string {
  if (runs.length === 0) return 'No power runs yet. Begin with: orrery power start INSTANCE';
  const titles = ['run', 'why', 'by', 'due (UTC)', 'state', 'instances'];
  const rows = runs.map((run) => [run.id, run.cause, run.requested_by, minute(run.due_at), run.state, describeCounts(run.counts)]);
  const more = total > runs.length ? `\n${runs.length} of ${total} runs shown.` : '';
  return `${formatTable(titles.map((title) => ({ title, align: 'left' })), rows)}${more}`;
}

/** How many instances came to which end; what is none is left out. */
export function describeCounts({ settled, open, failed, superseded, overruled }: Run['counts']): string {
  const parts: [number, string][] = [[settled, 'as wanted'], [open, 'open'], [failed, 'failed'], [superseded, 'superseded'], [overruled, 'overruled']];
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(', ') || 'none';
}

/** A run with what became of each instance; reasons below the table. */
export function describeItems(run: Run, items: RunItem[]): string {
  const titles = ['instance', 'wanted', 'outcome', 'observed', 'calls'];
  const rows = items.map((item) => [item.name ?? item.resource_id, item.wanted, item.state === 'settled' ? 'as wanted' : item.state, item.observed ?? '', String(item.attempts)]);
  const reasons = items.flatMap((item) => {
    const texts = [item.detail, item.last_error === null ? null : `${item.last_error.message} (${item.last_error.code})`].filter((text) => text !== null);
    return texts.length === 0 ? [] : [`${item.name ?? item.resource_id}: ${texts.join(' ')}`];
  });
  const heading = `${run.id} (${run.cause}, ${run.requested_by}), due ${minute(run.due_at)} UTC: ${run.state}`;
  return [heading, '', formatTable(titles.map((title) => ({ title, align: 'left' })), rows), ...reasons].join('\n');
}

function minute(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}
