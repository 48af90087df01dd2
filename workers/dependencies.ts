import type { Logger } from 'pino';
import type { DataSourceActivityDependencies, TickSchedules } from '../activities/data-sources/dependencies.ts';
import { entityRegistry, type EntityRegistry } from '../activities/entities.ts';
import { credentialCheckEntity } from '../commands/data-sources/credential-check-entity.ts';
import { dataSourceEntity } from '../commands/data-sources/data-source-entity.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/shared/connection.ts';
import type { RawStore } from '../domain/billing/ports.ts';
import { toInstant, type Clock } from '../domain/shared/time.ts';
import type { Vault } from '../domain/shared/vault.ts';
import { discoverPeriods } from '../providers/aws/billing/discover-periods.ts';
import { createPeriodReader } from '../providers/aws/billing/period-reader.ts';
import { createAwsClients } from '../providers/aws/clients.ts';
import { createAwsConnectionChecker } from '../providers/aws/connection-checker.ts';
import { createExportAccess } from '../providers/aws/export-access.ts';
import { createS3RawStore } from '../providers/aws/s3-raw-store.ts';
import { AWS_DEFAULTS, type AwsSettings } from '../providers/aws/settings.ts';
import { createDirectoryRawStore } from '../providers/local/directory-raw-store.ts';
import { createSecretVault } from '../providers/local/secret-vault.ts';

/** The computer's clock. */
export const systemClock: Clock = { now: () => toInstant(Date.now()) };

/** Every entity of the product. */
export const entities: EntityRegistry = entityRegistry([dataSourceEntity, credentialCheckEntity]);

export function vaultOf({ secretKeys }: Pick<Config, 'secretKeys'>): Vault {
  return createSecretVault(secretKeys);
}

/** Where source objects are kept: a directory, or a bucket reached with the process's own AWS credentials. */
export function rawStoreOf(config: Pick<Config, 'rawStore' | 'spoolDirectory'>): RawStore {
  const { rawStore, spoolDirectory } = config;
  if (rawStore.kind === 'directory') return createDirectoryRawStore(rawStore.path);
  const settings: AwsSettings = { ...AWS_DEFAULTS, endpoints: { ...AWS_DEFAULTS.endpoints, s3: rawStore.endpoint } };
  const clients = createAwsClients(settings, { kind: 'default-chain' });
  return createS3RawStore({
    bucket: rawStore.bucket,
    prefix: rawStore.prefix,
    client: () => clients.s3(rawStore.region ?? 'us-east-1'),
    spoolDirectory,
    bodyIdleTimeoutMs: settings.responseTimeoutMs,
  });
}

/** DuckDB's limit in MB, from its own notation. */
export function memoryLimitMb(duckdbMemory: string): number {
  const [, amount = '400', unit = 'MB'] = /^(\d+)(MB|GB|MiB|GiB)$/.exec(duckdbMemory) ?? [];
  return Number(amount) * (unit.startsWith('G') ? 1024 : 1);
}

/** What the activities of data sources work with, built from the configuration. */
export function dataSourceDependencies(
  config: Config,
  parts: { db: Database; schedules: TickSchedules; log: Logger; clock?: Clock },
): DataSourceActivityDependencies {
  const aws: AwsSettings = { ...AWS_DEFAULTS, endpoints: config.awsEndpoints };
  const options = { aws, allowedRoots: config.importRoots };
  return {
    db: parts.db,
    clock: parts.clock ?? systemClock,
    vault: vaultOf(config),
    log: parts.log,
    rawStore: rawStoreOf(config),
    reader: createPeriodReader({ memoryLimitMb: memoryLimitMb(config.duckdbMemory) }),
    checker: createAwsConnectionChecker(options),
    exports: createExportAccess(options),
    discoverPeriods,
    schedules: parts.schedules,
    spoolDirectory: config.spoolDirectory,
  };
}
