import { newId } from '../../commands/shared/new-id.ts';
import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { noDiscoveryYet } from '../../domain/data-sources/discovery.ts';
import { systemClock } from '../../workers/dependencies.ts';

/** A root data source that nobody has imported yet, for `insertDataSource`. */
export function blankDataSource(organizationId: string, changes: Partial<DataSource> = {}): DataSource {
  const at = systemClock.now();
  return {
    id: newId('data-source'),
    organizationId,
    version: 1,
    lastAt: at,
    nextDueAt: null,
    cloud: 'aws',
    kind: 'root',
    name: 'Bill',
    accountId: '012345678901',
    connection: {},
    credentialsKind: 'none',
    export: null,
    linkedAccounts: 'all',
    importIntervalMinutes: 1440,
    initialMonths: 4,
    state: 'active',
    scheduleApplied: 'none',
    fence: 0,
    lastAttemptAt: null,
    lastSuccessAt: null,
    lastError: null,
    warnings: [],
    createdAt: at,
    running: null,
    waiting: null,
    ended: [],
    discovery: noDiscoveryYet(10),
    ...changes,
  };
}
