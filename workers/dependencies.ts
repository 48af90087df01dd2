import { entityRegistry, type EntityRegistry } from '../activities/entities.ts';
import { credentialCheckEntity } from '../commands/data-sources/credential-check-entity.ts';
import { dataSourceEntity } from '../commands/data-sources/data-source-entity.ts';
import { toInstant, type Clock } from '../domain/shared/time.ts';

/** The computer's clock. */
export const systemClock: Clock = { now: () => toInstant(Date.now()) };

/** Every entity of the product. */
export const entities: EntityRegistry = entityRegistry([dataSourceEntity, credentialCheckEntity]);
