import type { PowerState } from '../../domain/power/power-state.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { Database, Transaction } from '../shared/connection.ts';

type Row = Record<string, unknown>;

/**
 * Locks the power states of instances in order of their ids until the transaction ends, making those
 * that do not exist. An id that is no instance of the organization is left out.
 */
export async function lockPowerStates(
  tx: Transaction,
  organizationId: string,
  resourceIds: readonly string[],
  at: Instant,
): Promise<PowerState[]> {
  const scope = { organizationId, resourceIds: resourceIds as string[], at } as never;
  const lock = async (): Promise<PowerState[]> => {
    const result = await tx.raw<{ rows: Row[] }>(
      `select * from power_states where organization_id = :organizationId and resource_id = any(:resourceIds)
       order by resource_id for update`,
      scope,
    );
    return result.rows.map(toPowerState);
  };
  const locked = await lock();
  if (locked.length === resourceIds.length) return locked;
  await tx.raw(
    `insert into power_states (resource_id, organization_id, wanted_since)
     select resource_id, organization_id, :at from instances
     where organization_id = :organizationId and resource_id = any(:resourceIds)
       and not exists (select from power_states s where s.resource_id = instances.resource_id)
     order by resource_id on conflict do nothing`,
    scope,
  );
  return await lock();
}

export async function powerStatesOf(db: Database | Transaction, organizationId: string, resourceIds: readonly string[]): Promise<PowerState[]> {
  const rows = await db('power_states')
    .where('organization_id', organizationId)
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<Row[]>('*');
  return rows.map(toPowerState);
}

/** Which generation of its wish each instance is at now: what a run asks before it calls. */
export async function wantedGenerations(db: Database, organizationId: string, resourceIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await db('power_states')
    .where('organization_id', organizationId)
    .whereRaw('resource_id = any(?)', [resourceIds as string[]])
    .select<{ resource_id: string; wanted_generation: number }[]>('resource_id', 'wanted_generation');
  return new Map(rows.map((row) => [row.resource_id, row.wanted_generation]));
}

/** Writes states that are locked, in one statement. */
export async function savePowerStates(tx: Transaction, states: readonly PowerState[]): Promise<void> {
  if (states.length === 0) return;
  const given = states.map((state) => ({
    resource_id: state.resourceId,
    wanted: state.wanted,
    wanted_generation: state.generation,
    wanted_since: state.wantedSince,
    decided_by: state.decidedBy?.source ?? null,
    decided_by_id: state.decidedBy?.id ?? null,
    settled_generation: state.settledGeneration,
    settled_at: state.settledAt,
    next_due_at: state.nextDueAt,
  }));
  await tx.raw(
    `update power_states s set wanted = g.wanted, wanted_generation = g.wanted_generation, wanted_since = g.wanted_since,
       decided_by = g.decided_by, decided_by_id = g.decided_by_id, settled_generation = g.settled_generation,
       settled_at = g.settled_at, next_due_at = g.next_due_at
     from jsonb_to_recordset(cast(? as jsonb)) as g (resource_id text, wanted text, wanted_generation bigint,
       wanted_since timestamptz, decided_by text, decided_by_id text, settled_generation bigint, settled_at timestamptz,
       next_due_at timestamptz)
     -- Here and below the ids once more, so that it goes by the index whatever the planner believes of the record set.
     where s.resource_id = any(?) and s.resource_id = g.resource_id`,
    [JSON.stringify(given), given.map((state) => state.resource_id)],
  );
}

/** Remembers that wishes were observed fulfilled, where they are still what is wanted. */
export async function settlePowerStates(
  tx: Transaction,
  organizationId: string,
  settled: readonly { resourceId: string; generation: number }[],
  at: Instant,
): Promise<void> {
  if (settled.length === 0) return;
  await tx.raw(
    `update power_states s set settled_generation = g.generation, settled_at = ?
     from jsonb_to_recordset(cast(? as jsonb)) as g ("resourceId" text, generation bigint)
     where s.organization_id = ? and s.resource_id = any(?) and s.resource_id = g."resourceId" and s.wanted_generation = g.generation`,
    [at, JSON.stringify(settled.map(({ resourceId, generation }) => ({ resourceId, generation }))), organizationId, settled.map(({ resourceId }) => resourceId)],
  );
}

/** Instances one of whose claims began or ended by `at`, of one organization, locked; others' locks are passed by. */
export async function takeDueStates(tx: Transaction, at: Instant, limit: number): Promise<{ organizationId: string; resourceIds: string[] } | null> {
  const result = await tx.raw<{ rows: { organization_id: string; resource_id: string }[] }>(
    `select organization_id, resource_id from power_states
     where next_due_at <= :at and organization_id = (
       select organization_id from power_states where next_due_at <= :at order by next_due_at limit 1 for update skip locked)
     order by resource_id limit :limit for update skip locked`,
    { at, limit },
  );
  const [first] = result.rows;
  if (first === undefined) return null;
  return { organizationId: first.organization_id, resourceIds: result.rows.map((row) => row.resource_id) };
}

/** When the next claim of anybody begins or ends. */
export async function nextClaimEdge(db: Database): Promise<Instant | null> {
  const [row] = await db('power_states').min<{ at: Instant | null }[]>('next_due_at as at');
  return row?.at ?? null;
}

function toPowerState(row: Row): PowerState {
  return {
    organizationId: row.organization_id as string,
    resourceId: row.resource_id as string,
    wanted: row.wanted as PowerState['wanted'],
    generation: row.wanted_generation as number,
    wantedSince: row.wanted_since as string,
    decidedBy: row.decided_by === null ? null : { source: row.decided_by as 'hold', id: row.decided_by_id as string },
    settledGeneration: row.settled_generation as number,
    settledAt: row.settled_at as string | null,
    nextDueAt: row.next_due_at as string | null,
  };
}
