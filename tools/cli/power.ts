import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type ApiClient } from './api-client.ts';
import type { Instance, Run, RunItem } from './power-shapes.ts';
import { describeItems } from './runs.ts';

const POLL_MILLISECONDS = 500;

export type PowerVerb = 'start' | 'stop' | 'hold' | 'release';

export interface PowerFlags {
  until?: string;
  reason?: string;
  wait: boolean;
}

/** Starts, stops, holds or releases an instance, and follows what comes of it to its end unless told not to wait. */
export async function changePower(client: ApiClient, organizationId: string, verb: PowerVerb, text: string, { until, reason, wait }: PowerFlags): Promise<string> {
  const instance = await findInstance(client, organizationId, text);
  const body = { ...(until !== undefined && { until }), ...(reason !== undefined && { reason }) };
  const { power, power_run: run } = await client.changePower(instance.id, verb, body);
  if (run === null) return `${instance.name}: ${power.wanted === null ? 'nobody wants anything of it' : `it is to be ${power.wanted} already`}; nothing is called.`;
  console.log(`${instance.name} is to be ${power.wanted}: ${run.id}, workflow ${run.workflow_id} in the Temporal UI`);
  if (!wait) return `Look with: orrery runs ${run.id}`;
  const [ended, items] = await followRun(client, run);
  if (ended.state === 'failed') throw new ApiError('power-failed', describeItems(ended, items));
  return describeItems(ended, items);
}

async function followRun(client: ApiClient, started: Run): Promise<[Run, RunItem[]]> {
  let run = started;
  let told = '';
  for (;;) {
    const items = await client.listRunItems(run.id);
    if (run.state !== 'running') return [run, items];
    const line = items.map(({ detail, last_error: error }) => [detail, error?.message].filter(Boolean).join(' ')).join('; ');
    if (line !== '' && line !== told) console.log(line);
    told = line;
    await delay(POLL_MILLISECONDS);
    run = await client.getRun(run.id);
  }
}

/** By the id of its resource, its name, or the cloud's own id. */
async function findInstance(client: ApiClient, organizationId: string, text: string): Promise<Pick<Instance, 'id' | 'name'>> {
  if (/^res_[0-9a-z]{26}$/.test(text)) return { id: text, name: text };
  const { items } = await client.findInstances(organizationId, text);
  const found = items.filter(({ name, native_id: nativeId }) => name === text || nativeId === text);
  const [first, second] = found;
  if (first === undefined) {
    // Found by its cloud's id, which few people know by a part of it, a name says nothing.
    const near = [...new Set(items.map(({ name }) => name))].filter((name) => name.toLowerCase().includes(text.toLowerCase())).slice(0, 5);
    throw new ApiError('no-instance', `There is no instance ${text}${near.length === 0 ? '' : `; do you mean ${near.join(', ')}?`}`);
  }
  if (second !== undefined) throw new ApiError('which-instance', `Several instances are named ${text}; say which:${found.map(({ id, region }) => `\n  ${id} (${region})`).join('')}`);
  return first;
}
