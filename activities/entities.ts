import { advanceEntity, type EntityDefinition } from '../commands/shared/entity-commands.ts';
import type { Database } from '../db/shared/connection.ts';
import { inTransaction } from '../db/shared/transaction.ts';
import type { EntityRow } from '../domain/shared/entity.ts';
import { DomainError } from '../domain/shared/errors.ts';
import { laterOf, type Clock } from '../domain/shared/time.ts';
import type { EntityAct, EntityRef, Plan } from '../workflows/messages.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a registry holds entities of every type; each entry is consistent in itself
export type AnyEntityDefinition = EntityDefinition<any, any>;

/** Every entity of the product by its kind. Two of one kind is a bug and refused. */
export type EntityRegistry = ReadonlyMap<string, AnyEntityDefinition>;

export function entityRegistry(definitions: AnyEntityDefinition[]): EntityRegistry {
  const registry = new Map<string, AnyEntityDefinition>();
  for (const definition of definitions) {
    if (registry.has(definition.kind)) throw new Error(`two entity definitions of kind ${definition.kind}`);
    registry.set(definition.kind, definition);
  }
  return registry;
}

export interface EntityActivities {
  /** Runs `advanceEntity` in one transaction. Idempotent: repeating it changes nothing. */
  advance(kind: string, ref: EntityRef, at: string): Promise<Plan<EntityAct>>;
}

/** Time moves on by the workflow's clock or by ours, whichever is ahead: a deadline that either has reached is due. */
export function createEntityActivities({ db, clock, entities }: { db: Database; clock: Clock; entities: EntityRegistry }): EntityActivities {
  return {
    async advance(kind, ref, at) {
      const definition = entities.get(kind);
      if (definition === undefined) {
        throw new DomainError({
          kind: 'invariant',
          code: 'entities.unknown-kind',
          message: `This worker knows no entity of kind ${kind}; it is older than the workflow that asks.`,
        });
      }
      return await inTransaction(db, (tx) => advanceEntity<EntityRow, EntityAct>(tx, definition, ref, laterOf(at, clock.now())));
    },
  };
}
