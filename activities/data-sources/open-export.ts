import { connectedAccounts, getDataSource } from '../../db/data-sources/data-source-store.ts';
import { readCredentials } from '../../db/data-sources/credentials-store.ts';
import type { ExportLocation, ExportObjects } from '../../domain/billing/ports.ts';
import { credentialsFromText } from '../../domain/data-sources/aws-credentials.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { DomainError, notFound } from '../../domain/shared/errors.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

/** A data source's export, opened with its credentials. */
export interface OpenExport {
  source: DataSource;
  objects: ExportObjects;
  location: ExportLocation;
  takenAccounts: 'all' | string[];
}

/** Opens the export of a data source. The credentials are read from the vault here and live only as long as the attempt. */
export async function openExport(deps: DataSourceActivityDependencies, ref: EntityRef): Promise<OpenExport> {
  const source = await getDataSource(deps.db, ref.organizationId, ref.id);
  if (source === null) throw notFound('data-source', ref.id);
  if (source.export === null) {
    throw new DomainError({
      kind: 'conflict',
      code: 'data-sources.linked-has-no-bill',
      message: `${source.name} is a linked account and has no bill of its own.`,
    });
  }
  const sealed = await readCredentials(deps.db, ref.organizationId, ref.id);
  const credentials = sealed === null ? null : credentialsFromText(deps.vault.open(sealed, ref.id));
  return {
    source,
    objects: deps.exports.exportObjectsFor(source.export, credentials),
    location: { prefix: source.export.prefix, name: source.export.name },
    takenAccounts: source.linkedAccounts === 'all' ? 'all' : await connectedAccounts(deps.db, ref.organizationId),
  };
}
