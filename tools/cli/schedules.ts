import { ApiError, type ApiClient } from './api-client.ts';
import type { Preview, Schedule } from './power-shapes.ts';
import { describeCounts } from './runs.ts';
import { formatTable } from './table.ts';

/** One line a schedule, by name. */
export function describeSchedules(schedules: Schedule[]): string {
  if (schedules.length === 0) return 'No power schedules yet. Make one over the API: POST /v1/organizations/{organization_id}/power-schedules';
  const titles = ['schedule', 'id', 'zone', 'status', 'instances', 'next, there', 'last run'];
  const rows = schedules.map(({ name, id, time_zone: zone, status, instances, next_fire: next, last_run: run }) => [
    name,
    id,
    zone,
    status,
    String(instances),
    next === null ? '' : `${next.local_time.replace('T', ' ')} ${inWords(next.action)}`,
    run === null ? '' : `${run.state}: ${describeCounts(run.counts)}`,
  ]);
  return formatTable(titles.map((title) => ({ title, align: title === 'instances' ? 'right' : 'left' })), rows);
}

/** The next fires of a schedule, named by id or name. */
export async function describePreview(client: ApiClient, organizationId: string, wanted: string, count: number): Promise<string> {
  const found = await findSchedule(client, organizationId, wanted);
  return `${found.name}, ${found.status}\n\n${previewTable(await client.previewSchedule(found.id, count))}`;
}

/** The schedule of that id or name; throws ApiError that names those there are. */
export async function findSchedule(client: ApiClient, organizationId: string, wanted: string): Promise<Schedule> {
  const schedules = await client.listSchedules(organizationId);
  const found = schedules.find(({ id, name }) => id === wanted || name === wanted);
  if (found === undefined) {
    const there = schedules.map(({ name, id }) => `${name} (${id})`).join(', ') || 'none';
    throw new ApiError('no-schedule', `There is no power schedule ${wanted}; there are: ${there}.`);
  }
  return found;
}

/** Fires as a table; what a clock change moved or left without effect says so. */
export function previewTable({ time_zone: zone, fires }: Preview): string {
  if (fires.length === 0) return 'It acts no more.';
  const rows = fires.map((fire) => [
    fire.local_time.replace('T', ' '),
    fire.at.replace('T', ' ').replace(/\.000Z$/, ''),
    inWords(fire.action),
    [fire.moved === null ? null : 'moved to the end of a clock change', fire.superseded_by === null ? null : `superseded by ${fire.superseded_by.replace('T', ' ')}`].filter((text) => text !== null).join(', '),
  ]);
  return formatTable([zone, 'UTC', 'turns', ''].map((title) => ({ title, align: 'left' })), rows);
}

function inWords(action: 'power_on' | 'power_off'): string {
  return action === 'power_on' ? 'on' : 'off';
}
