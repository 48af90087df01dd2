import type { Transaction } from '../../db/shared/connection.ts';
import { refuseDeleted } from '../../domain/data-sources/data-source.ts';
import { refuseDiscoveryOf, requestDiscovery as request, type Discovery, type DiscoveryCause } from '../../domain/data-sources/discovery.ts';
import { unchanged, type Actor } from '../../domain/shared/entity.ts';
import type { Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { decide } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { dataSourceEntity } from './data-source-entity.ts';

export interface DiscoveryRequest {
  cause: DiscoveryCause;
  at: Instant;
  by: Actor;
}

/**
 * Asks for a discovery of a data source. Joins one that has not begun, else comes after the one that
 * runs. A request has an operation to follow. Answers with the discovery that will do it.
 */
export async function requestDiscovery(tx: Transaction, ref: EntityRef, wish: DiscoveryRequest): Promise<Discovery> {
  let asked: Discovery | undefined;
  const ids = { id: newId('discovery'), operationId: wish.cause === 'request' ? newId('operation') : null };
  await decide(tx, dataSourceEntity, ref, wish, (source, at) => {
    refuseDeleted(source);
    refuseDiscoveryOf(source);
    const outcome = request(source, { ...ids, cause: wish.cause }, at);
    asked = outcome.discovery;
    return outcome.settled;
  });
  if (asked === undefined) throw new Error('the decision did not run');
  return asked;
}

/** A tick of the Schedule: asks for a discovery unless one runs or waits, or the data source is paused. */
export async function tickDiscovery(tx: Transaction, ref: EntityRef, at: Instant, by: Actor): Promise<void> {
  const id = newId('discovery');
  await decide(tx, dataSourceEntity, ref, { at, by }, (source, at) => {
    if (source.state !== 'active' || source.discovery.current !== null) return unchanged(source);
    return request(source, { id, cause: 'schedule', operationId: null }, at).settled;
  });
}
