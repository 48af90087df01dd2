import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { DataSourceActivityDependencies } from '../activities/data-sources/dependencies.ts';
import { entityRegistry, type EntityRegistry } from '../activities/entities.ts';
import { credentialCheckEntity } from '../commands/data-sources/credential-check-entity.ts';
import { dataSourceEntity } from '../commands/data-sources/data-source-entity.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/shared/connection.ts';
import type { RawStore } from '../domain/billing/ports.ts';
import { toInstant, type Clock } from '../domain/shared/time.ts';
import type { Vault } from '../domain/shared/vault.ts';
import { taskQueueName } from '../workflows/messages.ts';
import { tickSchedules } from './tick-schedules.ts';

/** The computer's clock. */
export const systemClock: Clock = { now: () => toInstant(Date.now()) };

/** Every entity of the product. */
export const entities: EntityRegistry = entityRegistry([dataSourceEntity, credentialCheckEntity]);
