import type { ExportObjects } from '../../domain/billing/ports.ts';
import type { AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import type { ExportSettings } from '../../domain/data-sources/data-source.ts';
import type { ExportAccess } from '../../domain/data-sources/ports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { createDirectoryExportObjects } from '../local/directory-export-objects.ts';
import { createAwsClients } from './clients.ts';
import { createS3ExportObjects } from './s3-export-objects.ts';
import { BILLING_API_REGION, type AwsSettings } from './settings.ts';

export interface ExportAccessOptions {
  aws: AwsSettings;
  /** Absolute directories below which the scheme `directory` may read. */
  allowedRoots: string[];
}

/** Opens S3 exports with the data source's own credentials, directories with the worker's rights. */
export function createExportAccess(options: ExportAccessOptions): ExportAccess {
  return {
    exportObjectsFor: (settings, credentials) => exportObjectsFor(options, settings, credentials),
  };
}

function exportObjectsFor(
  { aws, allowedRoots }: ExportAccessOptions,
  settings: ExportSettings,
  credentials: AwsCredentials | null,
): ExportObjects {
  if (settings.scheme === 'directory') {
    if (settings.path === null) throw incomplete('path');
    return createDirectoryExportObjects({ path: settings.path, allowedRoots });
  }
  if (settings.bucket === null) throw incomplete('bucket');
  if (credentials === null) {
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.no-credentials',
      message: `Bucket ${settings.bucket} needs credentials. Give a key pair, a role, or the worker's own (default-chain).`,
    });
  }
  const region = settings.region ?? BILLING_API_REGION;
  return createS3ExportObjects({
    bucket: settings.bucket,
    client: () => createAwsClients(aws, credentials).s3(region),
    bodyIdleTimeoutMs: aws.responseTimeoutMs,
  });
}

function incomplete(field: string): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'data-sources.incomplete-export',
    message: `The stored export settings have no ${field}. Connect the data source again.`,
  });
}
