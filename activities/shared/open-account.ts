import { connectedAccount } from '../../db/data-sources/account-store.ts';
import { readCredentials } from '../../db/data-sources/credentials-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { cloudCredentialsFromText } from '../../domain/data-sources/cloud-credentials.ts';
import type { CloudAccount, CloudProviders } from '../../domain/data-sources/cloud-ports.ts';
import type { Cloud } from '../../domain/resources/instance.ts';
import { notFound } from '../../domain/shared/errors.ts';
import type { Vault } from '../../domain/shared/vault.ts';
import type { EntityRef } from '../../workflows/messages.ts';

export interface OpenAccountDependencies {
  db: Database;
  vault: Vault;
  clouds: CloudProviders;
}

export interface OpenAccount extends CloudAccount {
  cloud: Cloud;
}

/**
 * Opens the cloud account of a data source. Its credentials are read from the vault here and live
 * only as long as the attempt. Fails with `data-source.not-found` for one that is deleted, or is being.
 */
export async function openAccount({ db, vault, clouds }: OpenAccountDependencies, ref: EntityRef): Promise<OpenAccount> {
  const account = await connectedAccount(db, ref.organizationId, ref.id);
  if (account === null) throw notFound('data-source', ref.id);
  const sealed = await readCredentials(db, ref.organizationId, ref.id);
  const open = clouds[account.cloud].open({
    organizationId: ref.organizationId,
    dataSourceId: ref.id,
    accountId: account.accountId,
    connection: account.connection,
    credentials: sealed === null ? null : cloudCredentialsFromText(vault.open(sealed, ref.id)),
  });
  return { cloud: account.cloud, power: open.power, catalog: open.catalog };
}
