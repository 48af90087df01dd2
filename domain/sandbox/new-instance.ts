import { invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import type { SandboxAccountKey } from './account.ts';
import { zonesOf, type SandboxRegion } from './catalogue.ts';
import type { SandboxInstance, SandboxInstanceSettings } from './instance.ts';

/** What instances are made of. */
export interface InstanceWish extends SandboxInstanceSettings {
  regionId: SandboxRegion;
  /** Null: spread over the region's zones. */
  zone: string | null;
  state: 'running' | 'stopped';
}

/** Instances by the wish, one an id. More than one are named `<name>-01`, `<name>-02` and so on. */
export function newInstances(key: SandboxAccountKey, wish: InstanceWish, ids: readonly string[], at: Instant): SandboxInstance[] {
  const { zone, ...settings } = wish;
  const zones = zonesOf(wish.regionId);
  if (zone !== null && !zones.includes(zone)) {
    throw invalidField('sandbox.unknown-zone', 'zone', `must be one of ${zones.join(', ')}, which are the zones of ${wish.regionId}`);
  }
  const digits = String(ids.length).length;
  return ids.map((id, index) => ({
    ...settings,
    ...key,
    id,
    name: ids.length === 1 ? wish.name : `${wish.name}-${String(index + 1).padStart(digits, '0')}`,
    version: 1,
    zone: zone ?? (zones[index % zones.length] as string),
    stateReason: null,
    stateSince: at,
    next: null,
    failure: null,
    operation: null,
    startKey: null,
    stopKey: null,
    launchedAt: at,
    createdAt: at,
    replacedAfterSeconds: null,
  }));
}
