import { recordLedgerEntries, type NewLedgerEntry } from '../../db/audit/ledger-store.ts';
import { insertPropertyChanges, lockEnvironmentRow, saveEnvironment, type PropertyChange } from '../../db/environments/environment-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import { nameTaken, type Environment } from '../../domain/environments/environment.ts';
import { mergeProperties, type Properties, type PropertyChanges } from '../../domain/environments/properties.ts';
import type { Settled, Transition } from '../../domain/shared/entity.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { laterOf, type Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';

/** Who decides on an environment, when, and on which version. */
export type EnvironmentDecision = Pick<Decision, 'at' | 'by' | 'check'>;

type Change = (environment: Environment, at: Instant) => Settled<Environment> | Promise<Settled<Environment>>;

/**
 * One decision on an environment in the caller's transaction: locks it, changes it, writes the row, a
 * ledger entry a step, and what became of its properties. Throws `environment.not-found` and
 * `environments.name-taken`. Whatever changes nothing writes nothing.
 *
 * @param secretHash when the secret of its collector_url changes: what is stored of the new one.
 */
export async function decideOnEnvironment(
  tx: Transaction,
  ref: EntityRef,
  decision: EnvironmentDecision,
  change: Change,
  secretHash?: Buffer | null,
): Promise<{ environment: Environment; changed: boolean }> {
  const row = await lockEnvironmentRow(tx, ref.organizationId, ref.id);
  if (row === null) throw notFound('environment', ref.id);
  decision.check?.(row.version);
  const at = laterOf(decision.at, row.lastAt);
  const { entity, transitions } = await change(row, at);
  if (transitions.length === 0) return { environment: entity, changed: false };
  const after = { ...entity, version: row.version + 1, lastAt: at };
  await saveEnvironment(tx, after, secretHash).catch((error: unknown) => refuseTakenName(error, after));
  await recordEnvironmentSteps(tx, transitions, { at, by: decision.by });
  return { environment: after, changed: true };
}

export function refuseTakenName(error: unknown, { name, resourceType }: Pick<Environment, 'name' | 'resourceType'>): never {
  if (violatedConstraint(error) !== 'environments_name_once') throw error;
  throw nameTaken(name, resourceType);
}

/** Writes what environments went through: ledger entries, and the history of their properties. */
export async function recordEnvironmentSteps(
  tx: Transaction,
  steps: readonly Transition<Environment>[],
  { at, by }: Pick<Decision, 'at' | 'by'>,
): Promise<void> {
  const entries: NewLedgerEntry[] = [];
  const history: PropertyChange[] = [];
  for (const { action, before, after } of steps) {
    const { id: subject, organizationId } = after;
    const changes = propertyChanges(before?.properties ?? {}, after.properties);
    entries.push({ id: newId('ledger-entry'), organizationId, at, subject, action, by, before: before && forLedger(before, changes, 'old'), after: forLedger(after, changes, 'new') });
    if (Object.keys(changes).length > 0) {
      history.push({ id: newId('property-change'), organizationId, environmentId: subject, at, actor: by, changes });
    }
  }
  await insertPropertyChanges(tx, history);
  await recordLedgerEntries(tx, entries);
}

function propertyChanges(before: Properties, after: Properties): PropertyChanges {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return mergeProperties(before, { ...after, ...Object.fromEntries(gone.map((name) => [name, null])) }).changes;
}

/** Of the properties the ledger shows those that changed: all of them may be 200 KB. */
function forLedger(environment: Environment, changes: PropertyChanges, side: 'old' | 'new'): unknown {
  const { properties: _all, organizationId: _organization, version: _version, createdAt: _created, lastAt: _last, ...rest } = environment;
  return { ...rest, properties: Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, change[side]])) };
}
