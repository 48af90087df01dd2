import type { ActivityOptions } from '@temporalio/workflow';
import { activitiesOn, runEntity } from '../activity-proxies.ts';
import type { EntityRef } from '../messages.ts';
import { CREDENTIAL_CHECK, DATA_SOURCE, type CheckConnectionAct, type DataSourceAct, type DataSourceActivities } from './messages.ts';

/** A month may take hours; a worker that died is noticed within twenty seconds. */
const LONG: ActivityOptions = {
  startToCloseTimeout: '12 h',
  scheduleToCloseTimeout: '24 h',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 min', maximumAttempts: 60 },
};

const SHORT: ActivityOptions = {
  startToCloseTimeout: '1 min',
  scheduleToCloseTimeout: '10 min',
  retry: { initialInterval: '1 s', maximumInterval: '30 s' },
};

/** Attempts are few, and a tick follows: imports wait behind it. Whatever else waits for a cloud, power first, goes before it. */
const LISTING: ActivityOptions = {
  startToCloseTimeout: '30 min',
  scheduleToCloseTimeout: '1 h',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', maximumInterval: '30 s', maximumAttempts: 3 },
  priority: { priorityKey: 5 },
};

/**
 * Keeps a data source in step with its row: applies its Schedules, runs its discoveries and imports one
 * at a time, purges it when it is deleted. Id: data-source/<id>. Lives as long as there is something to do.
 */
export async function dataSource(ref: EntityRef): Promise<string> {
  const quick = activitiesOn<DataSourceActivities>('entities', SHORT);
  const long = activitiesOn<DataSourceActivities>('imports', LONG);
  const cloud = activitiesOn<DataSourceActivities>('cloud', LISTING);
  return await runEntity<DataSourceAct>(DATA_SOURCE, ref, async (ref, act) => {
    const { summary } = act;
    switch (act.name) {
      case 'apply-schedule':
        return await quick.applySchedule.executeWithOptions({ summary }, [ref, act]);
      case 'discover':
        return await cloud.discover.executeWithOptions({ summary }, [ref, act]);
      case 'plan-import':
        return await long.planImport.executeWithOptions({ summary }, [ref, act]);
      case 'import-period':
        return await long.importPeriod.executeWithOptions({ summary }, [ref, act]);
      case 'purge':
        return await long.purgeDataSource.executeWithOptions({ summary }, [ref, act]);
    }
  });
}

/** Tries a connection's credentials and ends with its check. Id: credential-check/<id>. At most ten minutes. */
export async function credentialCheck(ref: EntityRef): Promise<string> {
  const cloud = activitiesOn<DataSourceActivities>('cloud', {
    startToCloseTimeout: '1 min',
    scheduleToCloseTimeout: '8 min',
    heartbeatTimeout: '20 s',
    retry: { initialInterval: '1 s', maximumInterval: '20 s' },
  });
  return await runEntity<CheckConnectionAct>(CREDENTIAL_CHECK, ref, async (ref, act) => {
    return await cloud.checkConnection.executeWithOptions({ summary: act.summary }, [ref, act]);
  });
}
