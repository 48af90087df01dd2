import type { ShareOutcome } from '../../commands/environments/share-resources.ts';
import type { ListedEnvironment } from '../../db/environments/environment-list.ts';
import type { PropertyChange } from '../../db/environments/environment-store.ts';
import { httpStatusOf } from '../../domain/shared/error-kinds.ts';
import { toErrorRecord } from '../../domain/shared/errors.ts';
import type { z } from '../shared/zod.ts';
import type { environmentBody, markedBody, propertyChangeBody } from './schemas.ts';

type View<T extends z.ZodType> = z.input<T>;

/** An environment as it is at the instant it was read for. */
export function environmentView({ environment, status, ownerName, poolName, upcoming }: ListedEnvironment): View<typeof environmentBody> {
  return {
    id: environment.id,
    organization_id: environment.organizationId,
    name: environment.name,
    resource_type: environment.resourceType,
    resource_id: environment.resourceId,
    active: environment.isActive,
    status,
    ssh_required: environment.sshRequired,
    properties: environment.properties,
    owner: environment.ownerUserId === null ? null : { id: environment.ownerUserId, display_name: ownerName ?? '' },
    pool: { id: environment.poolId, name: poolName },
    power_on_before: environment.powerOnBefore,
    power_off_after: environment.powerOffAfter,
    collector_url_made_at: environment.collectorSecretMadeAt,
    upcoming_bookings: upcoming.map(({ id, state, since, until, holder }) => ({ id, state, since, until, holder: { id: holder.id, display_name: holder.displayName } })),
    version: environment.version,
    created_at: environment.createdAt,
  };
}

export function markedView(items: readonly ShareOutcome[]): View<typeof markedBody> {
  const counts: Record<string, number> = {};
  for (const { outcome } of items) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { items: items.map(outcomeView), counts };
}

function outcomeView(item: ShareOutcome): View<typeof markedBody>['items'][number] {
  const { resourceId: resource_id, outcome } = item;
  if (item.outcome === 'refused') {
    return { resource_id, outcome, environment_id: null, status: httpStatusOf(item.error), error: toErrorRecord(item.error) };
  }
  return { resource_id, outcome, environment_id: 'environmentId' in item ? item.environmentId : null, status: 200, error: null };
}

export function propertyChangeView({ id, at, actor, changes }: PropertyChange): View<typeof propertyChangeBody> {
  return { id, at, by: { kind: actor.kind, id: actor.id, name: actor.name }, changes };
}
