import type { ProjectPurpose } from '../../domain/projects/purpose.ts';
import type { Database, Transaction } from '../shared/connection.ts';
import { escapeLike } from '../shared/like.ts';

type Row = Record<string, unknown>;

/** Writes a new purpose. Violates `project_purposes_name_once` where the name is taken. */
export async function insertPurpose(tx: Transaction, purpose: ProjectPurpose): Promise<void> {
  const { id, organizationId, createdAt } = purpose;
  await tx('project_purposes').insert({ id, organization_id: organizationId, created_at: createdAt, ...toColumns(purpose) });
}

export async function savePurpose(tx: Transaction, purpose: ProjectPurpose): Promise<void> {
  await tx('project_purposes').where({ organization_id: purpose.organizationId, id: purpose.id }).update(toColumns(purpose));
}

/** Deletes a purpose. Violates `projects_purpose` while a project has it. */
export async function deletePurpose(tx: Transaction, { organizationId, id }: Pick<ProjectPurpose, 'organizationId' | 'id'>): Promise<void> {
  await tx('project_purposes').where({ organization_id: organizationId, id }).delete();
}

/** Reads and locks a purpose until the transaction ends. */
export async function lockPurpose(tx: Transaction, organizationId: string, id: string): Promise<ProjectPurpose | null> {
  const row = await tx('project_purposes').where({ organization_id: organizationId, id }).forUpdate().first<Row | undefined>();
  return row === undefined ? null : toPurpose(row);
}

/** Reads a purpose and keeps its limits as they are until the transaction ends; many may do so at a time. */
export async function holdPurpose(tx: Transaction, organizationId: string, id: string): Promise<ProjectPurpose | null> {
  const row = await tx('project_purposes').where({ organization_id: organizationId, id }).forShare().first<Row | undefined>();
  return row === undefined ? null : toPurpose(row);
}

export async function getPurpose(db: Database, organizationId: string, id: string): Promise<ProjectPurpose | null> {
  const row = await db('project_purposes').where({ organization_id: organizationId, id }).first<Row | undefined>();
  return row === undefined ? null : toPurpose(row);
}

export async function organizationOfPurpose(db: Database, id: string): Promise<string | null> {
  const row = await db('project_purposes').where({ id }).first<{ organization_id: string } | undefined>('organization_id');
  return row?.organization_id ?? null;
}

export async function hasActivePurpose(db: Database | Transaction, organizationId: string): Promise<boolean> {
  return (await db('project_purposes').where({ organization_id: organizationId, active: true }).first('id')) !== undefined;
}

/** How many projects have a purpose, whatever their state. */
export async function countProjectsOf(tx: Transaction, { organizationId, id }: Pick<ProjectPurpose, 'organizationId' | 'id'>): Promise<number> {
  const [counted] = await tx('projects').where({ organization_id: organizationId, purpose_id: id }).count<{ count: number }[]>('* as count');
  return counted?.count ?? 0;
}

/** Purposes of an organization by name; `after` is name and id of the last one of the page before. */
export async function listPurposes(
  db: Database,
  organizationId: string,
  filter: { active?: boolean | undefined; search?: string | undefined },
  page: { limit: number; after: [string, string] | null },
): Promise<{ rows: ProjectPurpose[]; total: number }> {
  const matching = db('project_purposes').where('organization_id', organizationId);
  if (filter.active !== undefined) void matching.where('active', filter.active);
  if (filter.search !== undefined) void matching.whereILike('name', `%${escapeLike(filter.search)}%`);
  const [counted] = await matching.clone().count<{ count: number }[]>('* as count');
  if (page.after !== null) void matching.whereRaw('(name, id) > (?, ?)', page.after);
  const rows = await matching.orderBy(['name', 'id']).limit(page.limit).select<Row[]>('*');
  return { rows: rows.map(toPurpose), total: counted?.count ?? 0 };
}

function toColumns(purpose: ProjectPurpose): Row {
  return {
    name: purpose.name,
    description: purpose.description,
    max_gpu: purpose.maxGpu,
    max_cpu: purpose.maxCpu,
    max_ram_gib: purpose.maxRamGib,
    max_days: purpose.maxDays,
    active: purpose.active,
    version: purpose.version,
    last_at: purpose.lastAt,
  };
}

function toPurpose(row: Row): ProjectPurpose {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    name: row.name as string,
    description: row.description as string,
    maxGpu: row.max_gpu as string | null,
    maxCpu: row.max_cpu as string | null,
    maxRamGib: row.max_ram_gib as string | null,
    maxDays: row.max_days as number | null,
    active: row.active as boolean,
    version: row.version as number,
    createdAt: row.created_at as string,
    lastAt: row.last_at as string,
  };
}
