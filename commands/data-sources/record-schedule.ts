import type { Transaction } from '../../db/shared/connection.ts';
import { recordScheduleApplied } from '../../domain/data-sources/data-source.ts';
import { recordDiscoverySchedule } from '../../domain/data-sources/discovery.ts';
import type { DataSourceTick, EntityRef } from '../../workflows/messages.ts';
import { decide, type Decision } from '../shared/entity-commands.ts';
import { dataSourceEntity } from './data-source-entity.ts';

/** A Temporal Schedule of the data source now says what the row wanted. */
export async function recordSchedule(tx: Transaction, ref: EntityRef, tick: DataSourceTick['name'], schedule: string, decision: Decision): Promise<void> {
  const record = { 'import-data-source': recordScheduleApplied, 'discover-data-source': recordDiscoverySchedule }[tick];
  await decide(tx, dataSourceEntity, ref, decision, (source) => record(source, schedule));
}
