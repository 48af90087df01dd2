import type { Transaction } from '../../db/shared/connection.ts';
import { closeCollector, collect, openCollector, type Environment } from '../../domain/environments/environment.ts';
import type { PropertyPatch } from '../../domain/environments/properties.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { hashSecret, newLinkSecret } from '../identity/secrets.ts';
import { decideOnEnvironment, type EnvironmentDecision } from './decide-on-environment.ts';

/** Makes the secret of an environment's collector_url anew; the one before is void at once. It is in the answer and nowhere else. */
export async function makeCollectorSecret(tx: Transaction, ref: EntityRef, decision: EnvironmentDecision): Promise<{ environment: Environment; secret: string }> {
  const secret = newLinkSecret();
  const { environment } = await decideOnEnvironment(tx, ref, decision, openCollector, hashSecret(secret));
  return { environment, secret };
}

/** Lets no pipeline report any more. Repeating it changes nothing. */
export async function revokeCollectorSecret(tx: Transaction, ref: EntityRef, decision: EnvironmentDecision): Promise<Environment> {
  return (await decideOnEnvironment(tx, ref, decision, closeCollector, null)).environment;
}

/**
 * Merges what a pipeline reports into an environment's properties, under the lock of its row: reports
 * at the same time lose nothing. What is there already changes nothing.
 */
export async function collectProperties(tx: Transaction, ref: EntityRef, patch: PropertyPatch, report: { at: Instant; sender: string; requestId: string }): Promise<Environment> {
  const by = { ...system(`collector (${report.sender})`), requestId: report.requestId };
  return (await decideOnEnvironment(tx, ref, { at: report.at, by }, (environment) => collect(environment, patch))).environment;
}
