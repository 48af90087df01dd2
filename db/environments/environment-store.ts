import type { Environment } from '../../domain/environments/environment.ts';
import type { PropertyChanges } from '../../domain/environments/properties.ts';
import type { Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Reads and locks an environment until the transaction ends; null when there is none, or it is deleted. */
export async function lockEnvironmentRow(tx: Transaction, organizationId: string, id: string): Promise<Environment | null> {
  const row = await tx('environments')
    .where({ organization_id: organizationId, id })
    .whereNull('deleted_at')
    .forUpdate()
    .first<Row | undefined>();
  return row === undefined ? null : toEnvironment(row);
}

/** The organization of an environment that is not deleted. */
export async function organizationOfEnvironment(db: Database, id: string): Promise<string | null> {
  const row = await db('environments').where({ id }).whereNull('deleted_at').first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

/** Writes a new environment; violates `environments_name_once` or `environments_resource_once` where another one is in the way. */
export async function insertEnvironment(tx: Transaction, environment: Environment): Promise<void> {
  await tx('environments').insert(toRow(environment));
}

/** Writes those for which no live environment has the name and type, or the resource; answers with the ids written. */
export async function insertEnvironmentsWherePossible(tx: Transaction, environments: readonly Environment[]): Promise<Set<string>> {
  if (environments.length === 0) return new Set();
  const rows = (await tx('environments').insert(environments.map(toRow)).onConflict().ignore().returning('id')) as { id: string }[];
  return new Set(rows.map((row) => row.id));
}

/** Writes an environment; `secretHash` only when the secret of its collector_url changed. */
export async function saveEnvironment(tx: Transaction, environment: Environment, secretHash?: Buffer | null): Promise<void> {
  const { id, organization_id: _organization, created_at: _created, ...columns } = toRow(environment);
  const secret = secretHash === undefined ? {} : { collector_secret_hash: secretHash };
  await tx('environments').where({ organization_id: environment.organizationId, id: id as string }).update({ ...columns, ...secret });
}

/** Live environments of marked instances, by the instance's resource id. */
export async function environmentsOfResources(
  db: Database | Transaction,
  organizationId: string,
  resourceIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db('environments')
    .where('organization_id', organizationId)
    .whereNull('deleted_at')
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .orderBy('id')
    .select<{ id: string; resource_id: string }[]>('id', 'resource_id');
  return new Map(rows.map((row) => [row.resource_id, row.id]));
}

/** Live environments behind which an instance of a data source stands, in the order of their ids. */
export async function environmentsOfDataSource(tx: Transaction, organizationId: string, dataSourceId: string): Promise<string[]> {
  const rows = await tx('environments as e')
    .join('instances as i', 'i.resource_id', 'e.resource_id')
    .where({ 'e.organization_id': organizationId, 'i.data_source_id': dataSourceId })
    .whereNull('e.deleted_at')
    .orderBy('e.id')
    .select<{ id: string }[]>('e.id');
  return rows.map((row) => row.id);
}

/** Lets deleted environments name no instance of a data source any more. */
export async function forgetInstancesOfDeleted(tx: Transaction, organizationId: string, dataSourceId: string): Promise<void> {
  await tx('environments')
    .where('organization_id', organizationId)
    .whereNotNull('deleted_at')
    .whereIn('resource_id', tx('instances').select('resource_id').where({ organization_id: organizationId, data_source_id: dataSourceId }))
    .update({ resource_id: null });
}

/** Which of these names live environments of the type have; names as they were asked for. */
export async function takenNames(tx: Transaction, organizationId: string, resourceType: string, names: readonly string[]): Promise<Set<string>> {
  const result = await tx.raw<{ rows: { name: string }[] }>(
    `select wished.name from unnest(cast(:names as text[])) as wished (name)
     where exists (select from environments e where e.organization_id = :organizationId and e.deleted_at is null
       and lower(e.name) = lower(wished.name) and lower(e.resource_type) = lower(:resourceType))`,
    { organizationId, resourceType, names },
  );
  return new Set(result.rows.map((row) => row.name));
}

/** What a caller of the collector must prove to know; null when the environment takes no reports, or there is none. */
export async function collectorOf(db: Database, id: string): Promise<{ organizationId: string; secretHash: Buffer } | null> {
  const row = await db('environments')
    .where({ id })
    .whereNull('deleted_at')
    .whereNotNull('collector_secret_hash')
    .first<{ organization_id: string; collector_secret_hash: Buffer } | undefined>('organization_id', 'collector_secret_hash');
  return row === undefined ? null : { organizationId: row.organization_id, secretHash: row.collector_secret_hash };
}

export interface PropertyChange {
  id: string;
  organizationId: string;
  environmentId: string;
  at: Instant;
  actor: Actor;
  changes: PropertyChanges;
}

export async function insertPropertyChanges(tx: Transaction, changes: readonly PropertyChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx('environment_property_changes').insert(
    changes.map((change) => ({
      id: change.id,
      organization_id: change.organizationId,
      environment_id: change.environmentId,
      at: change.at,
      actor: JSON.stringify(change.actor),
      changes: JSON.stringify(change.changes),
    })),
  );
}

/** Property changes of an environment in [from, to), newest first; `before` is instant and id of the last one shown. */
export async function listPropertyChanges(
  db: Database,
  organizationId: string,
  environmentId: string,
  filter: { from?: Instant | undefined; to?: Instant | undefined; property?: string | undefined },
  page: { limit: number; before: { at: Instant; id: string } | null },
): Promise<{ rows: PropertyChange[]; total: number }> {
  const matching = db('environment_property_changes').where({ organization_id: organizationId, environment_id: environmentId });
  if (filter.from !== undefined) void matching.where('at', '>=', filter.from);
  if (filter.to !== undefined) void matching.where('at', '<', filter.to);
  // The operator ? of jsonb is a binding to the driver; jsonb_exists is the function behind it.
  if (filter.property !== undefined) void matching.whereRaw('jsonb_exists(changes, ?)', [filter.property]);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.before !== null) void matching.whereRaw('(at, id) < (?, ?)', [page.before.at, page.before.id]);
  const rows = await matching.orderBy([{ column: 'at', order: 'desc' }, { column: 'id', order: 'desc' }]).limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toPropertyChange), total: counted?.count ?? 0 };
}

function toPropertyChange(row: Row): PropertyChange {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    environmentId: row.environment_id as string,
    at: row.at as string,
    actor: row.actor as Actor,
    changes: row.changes as PropertyChanges,
  };
}

function toRow(environment: Environment): Row {
  return {
    id: environment.id,
    organization_id: environment.organizationId,
    name: environment.name,
    resource_type: environment.resourceType,
    resource_id: environment.resourceId,
    is_active: environment.isActive,
    ssh_required: environment.sshRequired,
    properties: JSON.stringify(environment.properties),
    owner_user_id: environment.ownerUserId,
    pool_id: environment.poolId,
    power_on_before: environment.powerOnBefore,
    power_off_after: environment.powerOffAfter,
    collector_secret_made_at: environment.collectorSecretMadeAt,
    version: environment.version,
    created_at: environment.createdAt,
    last_at: environment.lastAt,
    deleted_at: environment.deletedAt,
  };
}

export function toEnvironment(row: Row): Environment {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    name: row.name as string,
    resourceType: row.resource_type as string,
    resourceId: row.resource_id as string | null,
    isActive: row.is_active as boolean,
    sshRequired: row.ssh_required as boolean,
    properties: row.properties as Environment['properties'],
    ownerUserId: row.owner_user_id as string | null,
    poolId: row.pool_id as string,
    powerOnBefore: row.power_on_before as boolean,
    powerOffAfter: row.power_off_after as boolean,
    collectorSecretMadeAt: row.collector_secret_made_at as string | null,
    version: row.version as number,
    createdAt: row.created_at as string,
    lastAt: row.last_at as string,
    deletedAt: row.deleted_at as string | null,
  };
}
