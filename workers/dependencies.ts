import { hkdfSync } from 'node:crypto';
import type { Logger } from 'pino';
import type { DataSourceActivityDependencies, TickSchedules } from '../activities/data-sources/dependencies.ts';
import { entityRegistry, type EntityRegistry } from '../activities/entities.ts';
import { credentialCheckEntity } from '../commands/data-sources/credential-check-entity.ts';
import { dataSourceEntity } from '../commands/data-sources/data-source-entity.ts';
import { bookingEntity } from '../commands/bookings/booking-entity.ts';
import { calendarEntity } from '../commands/calendar/calendar-entity.ts';
import { mailEntity } from '../commands/notifications/mail-entity.ts';
import { powerRunEntity } from '../commands/power/power-run-entity.ts';
import { applicationEntity } from '../commands/projects/application-entity.ts';
import { projectEntity } from '../commands/projects/project-entity.ts';
import { newId } from '../commands/shared/new-id.ts';
import { webhookDeliveryEntity } from '../commands/webhooks/delivery-entity.ts';
import type { Config } from '../config.ts';
import { createSandboxCalendarStore } from '../db/calendar/sandbox-calendar-store.ts';
import { createSandboxStore } from '../db/sandbox/sandbox-store.ts';
import type { Database } from '../db/shared/connection.ts';
import type { RawStore } from '../domain/billing/ports.ts';
import type { CalendarChannelSettings } from '../domain/calendar/notifications.ts';
import type { CalendarProviders } from '../domain/calendar/ports.ts';
import type { CloudProviders } from '../domain/data-sources/cloud-ports.ts';
import type { MailSender } from '../domain/notifications/ports.ts';
import { toInstant, type Clock } from '../domain/shared/time.ts';
import type { Vault } from '../domain/shared/vault.ts';
import type { WebhookSender } from '../domain/webhooks/ports.ts';
import { createAlibabaProvider } from '../providers/alibaba/provider.ts';
import { ALIBABA_DEFAULTS } from '../providers/alibaba/settings.ts';
import { discoverPeriods } from '../providers/aws/billing/discover-periods.ts';
import { createPeriodReader } from '../providers/aws/billing/period-reader.ts';
import { createAwsClients } from '../providers/aws/clients.ts';
import { createAwsConnectionChecker } from '../providers/aws/connection-checker.ts';
import { createExportAccess } from '../providers/aws/export-access.ts';
import { createAwsProvider } from '../providers/aws/provider.ts';
import { createS3RawStore } from '../providers/aws/s3-raw-store.ts';
import { AWS_DEFAULTS, type AwsSettings } from '../providers/aws/settings.ts';
import { createAzureProvider } from '../providers/azure/provider.ts';
import { AZURE_DEFAULTS } from '../providers/azure/settings.ts';
import { createGcpProvider } from '../providers/gcp/provider.ts';
import { GCP_DEFAULTS } from '../providers/gcp/settings.ts';
import { createGoogleCalendar } from '../providers/google-calendar/provider.ts';
import { GOOGLE_CALENDAR_DEFAULTS } from '../providers/google-calendar/settings.ts';
import { createDirectoryRawStore } from '../providers/local/directory-raw-store.ts';
import { createMailDirectory, noMail } from '../providers/local/mail-directory.ts';
import { createSecretVault } from '../providers/local/secret-vault.ts';
import { createSmtpSender } from '../providers/local/smtp-sender.ts';
import { createWebhookSender } from '../providers/local/webhook-sender.ts';
import { createSandboxCalendar } from '../providers/sandbox/calendar.ts';
import { createSandboxProvider } from '../providers/sandbox/provider.ts';

/** The computer's clock. */
export const systemClock: Clock = { now: () => toInstant(Date.now()) };

/** Every entity of the product. */
export const entities: EntityRegistry = entityRegistry([dataSourceEntity, credentialCheckEntity, powerRunEntity, bookingEntity, calendarEntity, webhookDeliveryEntity, mailEntity, projectEntity, applicationEntity]);

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

/** Every cloud, at the endpoints of the configuration. The sandbox lives in the database, by the given clock. */
export function cloudProviders(config: CloudEndpoints, { db, clock }: { db: Database; clock: Clock }): CloudProviders {
  const { certificateAuthority, ...azure } = config.azureEndpoints;
  return {
    aws: createAwsProvider({ ...AWS_DEFAULTS, endpoints: config.awsEndpoints }),
    azure: createAzureProvider({ ...AZURE_DEFAULTS, endpoints: azure, certificateAuthority }),
    gcp: createGcpProvider({ ...GCP_DEFAULTS, endpoints: config.gcpEndpoints }),
    alibaba: createAlibabaProvider({ ...ALIBABA_DEFAULTS, endpoints: config.alibabaEndpoints }),
    sandbox: createSandboxProvider({ store: createSandboxStore({ db, newInstanceId: () => newId('sandbox-instance') }), clock }),
  };
}

type CloudEndpoints = Pick<Config, 'awsEndpoints' | 'azureEndpoints' | 'gcpEndpoints' | 'alibabaEndpoints'>;

/** Every service that keeps calendars, at the endpoints of the configuration. The sandbox's live in the database. */
export function calendarProviders(config: Pick<Config, 'gcpEndpoints' | 'calendar'>, { db }: { db: Database }): CalendarProviders {
  const endpoints = { calendar: config.calendar.endpoint, token: config.gcpEndpoints.token };
  return {
    google: createGoogleCalendar({ ...GOOGLE_CALENDAR_DEFAULTS, endpoints }),
    sandbox: createSandboxCalendar({ store: createSandboxCalendarStore({ db, newEventId: () => newId('sandbox-calendar-event') }) }),
  };
}

/** What proves that a notification of a calendar is meant for us, by each master key; the current one first. */
export function channelSecrets({ secretKeys }: Pick<Config, 'secretKeys'>): Uint8Array[] {
  return [secretKeys.current, ...secretKeys.previous].map((key) => new Uint8Array(hkdfSync('sha256', key, '', 'calendar channels', 32)));
}

/** What goes out to people and their programs. */
export interface OutboundDependencies {
  webhooks: WebhookSender;
  mail: MailSender;
  /** The platform's address, and how calendars tell of changes. */
  calendar: { publicUrl: string; channels: CalendarChannelSettings | null };
}

export function outboundDependencies(config: Pick<Config, 'webhooks' | 'mail' | 'calendar' | 'http' | 'secretKeys'>): OutboundDependencies {
  const { publicUrl } = config.http;
  const [secret] = channelSecrets(config);
  const channels = config.calendar.watch && secret !== undefined ? { publicUrl, secret } : null;
  return { webhooks: createWebhookSender(config.webhooks), mail: mailSenderOf(config.mail), calendar: { publicUrl, channels } };
}

function mailSenderOf(mail: Config['mail']): MailSender {
  switch (mail.kind) {
    case 'smtp':
      return createSmtpSender(mail);
    case 'directory':
      return createMailDirectory(mail);
    case 'none':
      return noMail;
  }
}

/** What the activities of data sources work with, built from the configuration. */
export function dataSourceDependencies(
  config: Config,
  parts: { db: Database; schedules: TickSchedules; log: Logger; clock?: Clock },
): DataSourceActivityDependencies {
  const aws: AwsSettings = { ...AWS_DEFAULTS, endpoints: config.awsEndpoints };
  const options = { aws, allowedRoots: config.importRoots };
  const clock = parts.clock ?? systemClock;
  return {
    db: parts.db,
    clock,
    clouds: cloudProviders(config, { db: parts.db, clock }),
    calendars: calendarProviders(config, parts),
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
