import { deleteCredentials, insertPendingSecret, saveCredentials } from '../../db/data-sources/credentials-store.ts';
import { insertOperation } from '../../db/operations/operation-store.ts';
import { dataSourceOfAccount } from '../../db/data-sources/data-source-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { violatedConstraint } from '../../db/shared/transaction.ts';
import {
  CHECK_LIFETIME_MS,
  connectionOf,
  failCheck,
  kindOf,
  newCredentialCheck,
  succeedCheck,
  type CheckedWish,
  type ConnectWish,
  type CredentialCheck,
} from '../../domain/data-sources/credential-check.ts';
import { reconnect, requestImport as requested, type DataSource, type ExportSettings } from '../../domain/data-sources/data-source.ts';
import { discovers, noDiscoveryYet, requestDiscovery as discoveryRequested } from '../../domain/data-sources/discovery.ts';
import { andThen, unchanged, type Actor } from '../../domain/shared/entity.ts';
import { toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import { plusMilliseconds, type Instant } from '../../domain/shared/time.ts';
import type { Sealed, Vault } from '../../domain/shared/vault.ts';
import { CREDENTIAL_CHECK } from '../../workflows/data-sources/messages.ts';
import { entityWorkflowId, type EntityRef } from '../../workflows/messages.ts';
import { createEntity, decide, type Decision } from '../shared/entity-commands.ts';
import { newId } from '../shared/new-id.ts';
import { credentialCheckEntity } from './credential-check-entity.ts';
import { dataSourceEntity } from './data-source-entity.ts';
import { reimportRootsTakingConnected } from './edit-data-source.ts';
import { accountConnected, nameTaken } from './refusals.ts';
import { requestDiscovery } from './request-discovery.ts';
import { requestImport } from './request-import.ts';

export interface ConnectRequest {
  organizationId: string;
  wish: ConnectWish;
  /** The credentials as JSON text; null when there is nothing secret to keep. */
  secret: string | null;
  /** The data source to update, or null to connect a new one. */
  dataSourceId: string | null;
  at: Instant;
  by: Actor;
}

/** Seals the secret and starts its check. Nothing else is saved until the cloud has accepted it. */
export async function beginConnection(tx: Transaction, vault: Vault, request: ConnectRequest): Promise<CredentialCheck> {
  const { organizationId, wish, secret, at, by } = request;
  const purpose = request.dataSourceId === null ? 'connect' : 'update';
  const subjectId = request.dataSourceId ?? newId('data-source');
  return await beginCheck(tx, vault, { organizationId, subjectId, purpose, operationKind: `${purpose}-data-source`, wish, secret, at, by });
}

export interface CheckRequest {
  organizationId: string;
  /** What will come of it, or is changed. */
  subjectId: string;
  purpose: CredentialCheck['purpose'];
  operationKind: string;
  wish: CheckedWish;
  /** The credentials as text; null when there is nothing secret to keep. */
  secret: string | null;
  at: Instant;
  by: Actor;
}

/** Seals a secret until its check has ended, and starts the check with the operation that people follow. */
export async function beginCheck(tx: Transaction, vault: Vault, request: CheckRequest): Promise<CredentialCheck> {
  const { organizationId, subjectId, purpose, wish, at, by } = request;
  const ids = { check: newId('credential-check'), operation: newId('operation'), secret: newId('pending-secret') };
  await insertOperation(tx, {
    id: ids.operation,
    organizationId,
    kind: request.operationKind,
    subjectId,
    workflowId: entityWorkflowId(CREDENTIAL_CHECK, ids.check),
    createdAt: at,
  });
  if (request.secret !== null) {
    const sealed = vault.seal(request.secret, ids.secret);
    const expiresAt = plusMilliseconds(at, CHECK_LIFETIME_MS);
    await insertPendingSecret(tx, organizationId, { id: ids.secret, sealed, createdAt: at, expiresAt });
  }
  const pendingSecretId = request.secret === null ? null : ids.secret;
  const check = newCredentialCheck(
    { id: ids.check, organizationId, dataSourceId: subjectId, purpose, request: wish, actor: by, pendingSecretId, operationId: ids.operation },
    at,
  );
  return await createEntity(tx, credentialCheckEntity, check, 'data-sources.check', { at, by });
}

/** What the cloud said of a connection, with the account it belongs to. */
export interface KnownConnection {
  /** Null when neither credentials nor files tell. */
  accountId: string | null;
  /** What stands for it then. */
  standInAccount: string;
  export: ExportSettings | null;
  warnings: string[];
}

/**
 * The check succeeded: in one transaction the data source appears (or takes its new settings), its
 * credentials are kept, its first import is asked for, and the pending secret is purged.
 */
export async function completeConnection(
  tx: Transaction,
  ref: EntityRef,
  checked: KnownConnection,
  sealed: Sealed | null,
  decision: Decision,
): Promise<void> {
  const ended = await endCheck(tx, ref, decision);
  if (ended === null) return;
  const { request } = ended;
  if (request.subject === 'calendar') throw new Error(`${ended.id} is no check of a data source`);
  const check = { ...ended, request };
  if (check.purpose === 'connect') await createDataSource(tx, check, checked, decision);
  else await updateDataSource(tx, check, checked, decision);
  // A connection without credentials keeps none: those it had before are no longer used.
  if (sealed === null) await deleteCredentials(tx, ref.organizationId, check.dataSourceId);
  else await saveCredentials(tx, ref.organizationId, check.dataSourceId, sealed, decision.at);
}

/** Ends a check well and purges its secret; null when it has ended already. */
export async function endCheck(tx: Transaction, ref: EntityRef, decision: Decision): Promise<CredentialCheck | null> {
  let applies = false;
  const check = await decide(tx, credentialCheckEntity, ref, decision, (current) => {
    applies = current.state === 'checking';
    return succeedCheck(current);
  });
  return applies && check.state === 'succeeded' ? check : null;
}

/** The check failed: the reason is kept, the secret is not. */
export async function failConnection(tx: Transaction, ref: EntityRef, error: ErrorRecord, decision: Decision): Promise<void> {
  await decide(tx, credentialCheckEntity, ref, decision, (current) => failCheck(current, error));
}

type DataSourceCheck = CredentialCheck & { request: ConnectWish };

async function createDataSource(tx: Transaction, check: DataSourceCheck, checked: KnownConnection, { at }: Decision): Promise<void> {
  const { request: wish, organizationId, actor: by } = check;
  const source: DataSource = {
    id: check.dataSourceId,
    organizationId,
    version: 1,
    lastAt: at,
    nextDueAt: null,
    cloud: wish.cloud,
    kind: kindOf(wish),
    name: wish.name,
    accountId: checked.accountId ?? checked.standInAccount,
    connection: connectionOf(wish),
    credentialsKind: wish.credentialsKind,
    export: checked.export,
    linkedAccounts: wish.linkedAccounts,
    importIntervalMinutes: wish.importIntervalMinutes,
    initialMonths: wish.initialMonths,
    state: 'active',
    scheduleApplied: 'none',
    fence: 0,
    lastAttemptAt: null,
    lastSuccessAt: null,
    lastError: null,
    warnings: checked.warnings,
    createdAt: at,
    running: null,
    waiting: null,
    ended: [],
    discovery: noDiscoveryYet(wish.discoveryIntervalMinutes),
  };
  await createEntity(tx, dataSourceEntity, source, 'data-sources.connect', { at, by });
  if (discovers(source)) await requestDiscovery(tx, source, { cause: 'first', at, by });
  if (source.kind === 'root') await requestImport(tx, source, { cause: 'first', months: [], at, by });
  if (source.kind === 'linked') await reimportRootsTakingConnected(tx, organizationId, { at, by });
}

async function updateDataSource(tx: Transaction, check: DataSourceCheck, checked: KnownConnection, { at }: Decision): Promise<void> {
  const ref = { organizationId: check.organizationId, id: check.dataSourceId };
  const ids = { id: newId('billing-import'), operationId: newId('operation') };
  await decide(tx, dataSourceEntity, ref, { at, by: check.actor }, (source) => {
    const reconnected = reconnect(source, {
      accountId: checked.accountId,
      connection: connectionOf(check.request),
      export: checked.export,
      warnings: checked.warnings,
      credentialsKind: check.request.credentialsKind,
    });
    const importing = andThen(reconnected, (current) =>
      current.kind === 'root' ? requested(current, { ...ids, cause: 'request', automatic: true, requestedMonths: [] }, at).settled : unchanged(current),
    );
    return andThen(importing, (current) =>
      discovers(current) ? discoveryRequested(current, { id: newId('discovery'), cause: 'first', operationId: null }, at).settled : unchanged(current),
    );
  });
}

/** What a failed write of the data source means to the person who asked; `accountId` is the one that it would have had. */
export async function connectionRefusal(db: Database, check: CredentialCheck, accountId: string | null, error: unknown): Promise<ErrorRecord> {
  const constraint = violatedConstraint(error);
  if (constraint === 'data_sources_account_once') {
    const { request } = check;
    const there = request.subject === 'calendar' || accountId === null ? null : await dataSourceOfAccount(db, check.organizationId, request.cloud, accountId);
    // Deleted between the refusal and this look: the next attempt succeeds.
    return toErrorRecord(there === null ? error : accountConnected(there));
  }
  if (constraint === 'data_sources_name_once') return toErrorRecord(nameTaken());
  return toErrorRecord(error);
}

