import * as foundation from './20261121080000-foundation.ts';
import * as billing from './20261121081000-billing.ts';
import * as costs from './20261121081500-costs.ts';
import * as rawObjects from './20261121082000-raw-objects.ts';
import * as instances from './20261121090000-instances.ts';
import * as sandbox from './20261121092000-sandbox.ts';
import * as power from './20261121093000-power.ts';
import * as environments from './20261121100000-environments.ts';
import * as bookings from './20261121101000-bookings.ts';
import * as webhooks from './20261121102000-webhooks.ts';
import * as notifications from './20261121103000-notifications.ts';
import * as calendar from './20261121104000-calendar.ts';
import * as quotas from './20261121110000-quotas.ts';
import * as projects from './20261121111000-projects.ts';
import * as applications from './20261121112000-applications.ts';
import * as people from './20261121113000-people.ts';
import * as stuckReleases from './20261121114000-stuck-releases.ts';
import * as deletionCodeLimits from './20261121114500-deletion-code-limits.ts';
import * as pendingExtensions from './20261121115000-pending-extensions.ts';
import * as noRoom from './20261121115500-no-room.ts';

/** Every migration by its name, oldest first. A released one is never edited. */
export const migrations = {
  '20261121080000-foundation': foundation,
  '20261121081000-billing': billing,
  '20261121081500-costs': costs,
  '20261121082000-raw-objects': rawObjects,
  '20261121090000-instances': instances,
  '20261121092000-sandbox': sandbox,
  '20261121093000-power': power,
  '20261121100000-environments': environments,
  '20261121101000-bookings': bookings,
  '20261121102000-webhooks': webhooks,
  '20261121103000-notifications': notifications,
  '20261121104000-calendar': calendar,
  '20261121110000-quotas': quotas,
  '20261121111000-projects': projects,
  '20261121112000-applications': applications,
  '20261121113000-people': people,
  '20261121114000-stuck-releases': stuckReleases,
  '20261121114500-deletion-code-limits': deletionCodeLimits,
  '20261121115000-pending-extensions': pendingExtensions,
  '20261121115500-no-room': noRoom,
};
