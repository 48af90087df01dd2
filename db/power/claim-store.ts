import type { PowerClaim } from '../../domain/power/claims.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/** Claims on these instances, those that have ended included. Call it with their power states locked to decide on them. */
export async function claimsOf(db: Database | Transaction, organizationId: string, resourceIds: readonly string[]): Promise<PowerClaim[]> {
  const rows = await db('power_claims')
    .where('organization_id', organizationId)
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<Row[]>('*');
  return rows.map(toClaim);
}

/** The instances a claimant has claims on, in order of their ids. */
export async function resourcesClaimedBy(tx: Transaction, organizationId: string, sourceId: string): Promise<string[]> {
  const rows = await tx('power_claims')
    .where({ organization_id: organizationId, source_id: sourceId })
    .distinct<{ resource_id: string }[]>('resource_id')
    .orderBy('resource_id');
  return rows.map((row) => row.resource_id);
}

/** Writes claims in one statement; one that is there by its id is changed in place. What they replace must be deleted before. */
export async function putClaims(tx: Transaction, organizationId: string, claims: readonly PowerClaim[]): Promise<void> {
  if (claims.length === 0) return;
  await tx.raw(
    `insert into power_claims (id, organization_id, resource_id, source, source_id, wanted, from_at, until_at,
       until_next_trigger, reason, origin, created_at)
     select id, :organizationId, resource_id, source, source_id, wanted, from_at, until_at, until_next_trigger, reason, origin, created_at
     from jsonb_to_recordset(cast(:claims as jsonb)) as c (id text, resource_id text, source text, source_id text,
       wanted text, from_at timestamptz, until_at timestamptz, until_next_trigger boolean, reason text, origin jsonb,
       created_at timestamptz)
     on conflict (id) do update set source_id = excluded.source_id, wanted = excluded.wanted, from_at = excluded.from_at,
       until_at = excluded.until_at, until_next_trigger = excluded.until_next_trigger, reason = excluded.reason, origin = excluded.origin,
       created_at = excluded.created_at`,
    bindings(organizationId, claims),
  );
}

function bindings(organizationId: string, claims: readonly PowerClaim[]) {
  const given = claims.map((claim) => ({
    id: claim.id,
    resource_id: claim.resourceId,
    source: claim.source,
    source_id: claim.sourceId,
    wanted: claim.wanted,
    from_at: claim.from,
    until_at: claim.until,
    until_next_trigger: claim.untilNextTrigger,
    reason: claim.reason,
    origin: claim.origin,
    created_at: claim.createdAt,
  }));
  return { organizationId, claims: JSON.stringify(given) };
}

export async function deleteClaims(tx: Transaction, organizationId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx('power_claims').where('organization_id', organizationId).whereRaw('id = any(?)', [ids as string[]]).delete();
}

function toClaim(row: Row): PowerClaim {
  return {
    id: row.id as string,
    organizationId: row.organization_id as string,
    resourceId: row.resource_id as string,
    source: row.source as PowerClaim['source'],
    sourceId: row.source_id as string,
    wanted: row.wanted as PowerClaim['wanted'],
    from: row.from_at as string,
    until: row.until_at as string | null,
    untilNextTrigger: row.until_next_trigger as boolean,
    reason: row.reason as string,
    origin: row.origin as PowerClaim['origin'],
    createdAt: row.created_at as string,
  };
}
