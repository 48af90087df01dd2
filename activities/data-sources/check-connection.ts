import { createHash } from 'node:crypto';
import { calendarRefusal, completeCalendar } from '../../commands/calendar/connect-calendar.ts';
import { completeConnection, connectionRefusal, failConnection, type KnownConnection } from '../../commands/data-sources/connect-data-source.ts';
import type { Database } from '../../db/shared/connection.ts';
import { getCheck } from '../../db/data-sources/credential-check-store.ts';
import { readPendingSecret } from '../../db/data-sources/credentials-store.ts';
import { inTransaction, sqlStateOf } from '../../db/shared/transaction.ts';
import { credentialsFromText, type AwsCredentials } from '../../domain/data-sources/aws-credentials.ts';
import { cloudCredentialsFromText } from '../../domain/data-sources/cloud-credentials.ts';
import type { CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { CHECK_EXPIRED, type CredentialCheck, type RequestedConnection } from '../../domain/data-sources/credential-check.ts';
import { standInAccount } from '../../domain/data-sources/data-source.ts';
import { DomainError, toErrorRecord, type ErrorRecord } from '../../domain/shared/errors.ts';
import type { CheckConnectionAct } from '../../workflows/data-sources/messages.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { probeCalendar } from '../calendar/probe.ts';
import { actingActivity, longAttempt, worthAnotherAttempt } from '../shared/attempt.ts';
import type { DataSourceActivityDependencies } from './dependencies.ts';

const UNIQUE_VIOLATION = '23505';

/**
 * Tries the credentials of a check and records the outcome. On success the data source appears with
 * its credentials in the same transaction that purges the pending secret.
 */
export async function checkConnection(deps: DataSourceActivityDependencies, ref: EntityRef, act: CheckConnectionAct): Promise<void> {
  await longAttempt(async ({ signal }) => {
    const check = await getCheck(deps.db, ref.organizationId, ref.id);
    if (check === null || check.state !== 'checking') return;
    const by = actingActivity('credential check');
    const decision = () => ({ at: deps.clock.now(), by, outcomeKey: act.key });
    if (check.nextDueAt !== null && deps.clock.now() >= check.nextDueAt) {
      // Its time is over while attempts went on: the decision applies that first, and this reason to nothing.
      return await inTransaction(deps.db, (tx) => failConnection(tx, ref, CHECK_EXPIRED, decision()));
    }
    let accountId: string | null = null;
    try {
      const secret = await openPendingSecret(deps, check);
      const sealed = secret === null ? null : deps.vault.seal(secret, check.dataSourceId);
      const { request } = check;
      if (request.subject === 'calendar') {
        await probeCalendar(deps.calendars, { id: check.id, organizationId: check.organizationId, request }, secret, signal);
        await inTransaction(deps.db, (tx) => completeCalendar(tx, ref, sealed, decision()));
      } else {
        const checked = await verify(deps, request, secret, signal);
        accountId = checked.accountId ?? checked.standInAccount;
        await inTransaction(deps.db, (tx) => completeConnection(tx, ref, checked, sealed, decision()));
      }
    } catch (error) {
      const refused = sqlStateOf(error) === UNIQUE_VIOLATION;
      if (!refused && worthAnotherAttempt(error)) throw error;
      deps.log.warn({ err: error, checkId: ref.id }, 'a connection was refused');
      const reason = refused ? await refusalOf(deps.db, check, accountId, error) : toErrorRecord(error);
      await inTransaction(deps.db, (tx) => failConnection(tx, ref, reason, decision()));
    }
  });
}

/** What it means to the person who asked that the row cannot be written. */
async function refusalOf(db: Database, check: CredentialCheck, accountId: string | null, error: unknown): Promise<ErrorRecord> {
  return check.request.subject === 'calendar' ? await calendarRefusal(db, check.organizationId, error) : connectionRefusal(db, check, accountId, error);
}

async function openPendingSecret(deps: DataSourceActivityDependencies, check: CredentialCheck): Promise<string | null> {
  if (check.pendingSecretId === null) return null;
  const sealed = await readPendingSecret(deps.db, check.organizationId, check.pendingSecretId);
  return sealed === null ? null : deps.vault.open(sealed, check.pendingSecretId);
}

/** How long reading instances is tried while a bill is being connected. */
const INSTANCES_TRIED_MS = 10_000;

/** Asks the cloud: who the credentials are, and what they open. */
async function verify(
  { checker, clouds }: DataSourceActivityDependencies,
  wish: RequestedConnection,
  secret: string | null,
  signal: AbortSignal,
): Promise<KnownConnection> {
  if (wish.cloud !== 'aws') {
    const credentials = secret === null ? null : cloudCredentialsFromText(secret);
    const { accountId, warnings } = await clouds[wish.cloud].check(wish.connection, credentials, signal);
    return { accountId, standInAccount: accountId, export: null, warnings };
  }
  const credentials = secret === null ? null : credentialsFromText(secret);
  const checked = await checker.check(wish.connection, credentials, signal);
  const instances = credentials === null ? [] : await instanceWarnings(clouds.aws, credentials, signal);
  return { ...checked, warnings: [...checked.warnings, ...instances], standInAccount: standInOf(checked.export?.path ?? '') };
}

/** An AWS account is a reason to connect for its bill alone: that its instances cannot be read is a warning. */
async function instanceWarnings(aws: CloudProvider, credentials: AwsCredentials, signal: AbortSignal): Promise<string[]> {
  const late = AbortSignal.timeout(INSTANCES_TRIED_MS);
  try {
    return (await aws.check({}, credentials, AbortSignal.any([signal, late]))).warnings;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DomainError) return [`Its instances could not be tried: ${error.message}`];
    if (late.aborted) return [`Its instances could not be tried: EC2 did not answer within ${INSTANCES_TRIED_MS / 1000} seconds.`];
    throw error;
  }
}

/** Made of the directory's path, so that connecting the same directory twice is refused even if its files name no account. */
function standInOf(path: string): string {
  return standInAccount(createHash('sha256').update(path).digest('hex'));
}
