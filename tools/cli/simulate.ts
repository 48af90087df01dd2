import { readFile } from 'node:fs/promises';
import { ApiError, type ApiClient } from './api-client.ts';
import type { Simulation } from './power-shapes.ts';
import { findSchedule } from './schedules.ts';
import { formatTable } from './table.ts';

export interface SimulateFlags {
  from?: string;
  until?: string;
  changes?: string;
  json?: boolean;
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** More are counted and not printed. */
const CHANGES_SHOWN = 20;

/**
 * What a schedule, named by id or name, comes to over a period, by default the next thirty days: as text, or as the API's
 * answer in JSON. With a file of changes beside the schedule as it is.
 */
export async function describeSimulation(client: ApiClient, organizationId: string, wanted: string, flags: SimulateFlags): Promise<string> {
  const schedule = await findSchedule(client, organizationId, wanted);
  const from = flags.from ?? new Date().toISOString();
  const until = flags.until ?? thirtyDaysAfter(from);
  const changes = flags.changes === undefined ? undefined : await readChanges(flags.changes);
  const { answer, simulation } = await client.simulateSchedule(schedule.id, { from, until, ...(changes !== undefined && { changes }) });
  if (flags.json === true) return JSON.stringify(answer, null, 2);
  return `${schedule.name}, ${minute(simulation.from)} to ${minute(simulation.until)} UTC, ${simulation.instances} instances\n\n${figures(simulation, changes !== undefined)}`;
}

function thirtyDaysAfter(from: string): string {
  const at = Date.parse(from);
  if (Number.isNaN(at)) throw new ApiError('no-instant', `${from} is no instant; write it like 2026-11-21T18:00:00Z.`);
  return new Date(at + DEFAULT_DAYS * DAY_MS).toISOString();
}

async function readChanges(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ApiError('no-changes', `${path} cannot be read as JSON: ${(error as Error).message}. It holds what would change, like {"triggers": [{"time": "07:00", "action": "power_on"}]}.`, { cause: error });
  }
}

function figures(simulation: Simulation, isChange: boolean): string {
  const { today, proposed, instances_with_rate: priced, instances, savings } = simulation;
  const rows = [
    ['hours on', today.hours_on, proposed.hours_on],
    ['hours off', today.hours_off, proposed.hours_off],
    ['starts', String(today.power_ons), String(proposed.power_ons)],
    ['stops', String(today.power_offs), String(proposed.power_offs)],
    ...proposed.costs.map(({ currency, amount }) => [`cost, ${currency}`, today.costs.find((one) => one.currency === currency)?.amount ?? '0', amount]),
  ];
  const columns = ['', isChange ? 'as it is' : 'always on', isChange ? 'with the change' : 'scheduled'];
  const table = formatTable(columns.map((title, index) => ({ title, align: index === 0 ? 'left' : 'right' })), rows);
  const saved = savings.length === 0 ? 'No price of these instances is known.' : `Saving: ${savings.map(({ currency, amount }) => `${amount} ${currency}`).join(', ')}`;
  const without = priced < instances && savings.length > 0 ? ` (${instances - priced} of ${instances} instances have no price)` : '';
  return [table, '', `${saved}${without}`, ...(isChange ? ['', changesOf(simulation)] : [])].join('\n');
}

function changesOf({ action_changes: changes, action_changes_total: total }: Simulation): string {
  if (total === 0) return 'The same actions at the same times.';
  const shown = changes.slice(0, CHANGES_SHOWN).map(({ at, local_time: local, action, only_in: side }) => `${side === 'today' ? '-' : '+'} ${local.replace('T', ' ')} ${action === 'power_on' ? 'on' : 'off'} (${minute(at)} UTC)`);
  return [`${total} actions differ:`, ...shown, ...(total > shown.length ? [`and ${total - shown.length} more`] : [])].join('\n');
}

function minute(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
