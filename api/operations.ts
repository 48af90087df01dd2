import { auditRoutes } from './audit/routes.ts';
import { bookingRoutes } from './bookings/routes.ts';
import { calendarRoutes } from './calendar/routes.ts';
import { dataSourceRoutes } from './data-sources/routes.ts';
import { environmentRoutes } from './environments/routes.ts';
import { expenseRoutes } from './expenses/routes.ts';
import { identityRoutes } from './identity/routes.ts';
import { notificationRoutes } from './notifications/routes.ts';
import { operationRoutes } from './operations/routes.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { poolRoutes } from './pools/routes.ts';
import { instancePowerRoutes } from './power/instance-routes.ts';
import { powerRunRoutes } from './power/run-routes.ts';
import { powerScheduleRoutes } from './power-schedules/routes.ts';
import { applicationRoutes } from './projects/application-routes.ts';
import { projectRoutes } from './projects/project-routes.ts';
import { quotaRoutes } from './quotas/routes.ts';
import { resourceRoutes } from './resources/routes.ts';
import { sandboxRoutes } from './sandbox/routes.ts';
import type { Operation } from './shared/operation.ts';
import { webhookRoutes } from './webhooks/routes.ts';

/** Every operation of the API. A domain adds its `routes.ts` here and nowhere else. */
export const operations: Operation[] = [
  ...identityRoutes,
  ...organizationRoutes,
  ...auditRoutes,
  ...operationRoutes,
  ...dataSourceRoutes,
  ...resourceRoutes,
  ...expenseRoutes,
  ...bookingRoutes,
  ...calendarRoutes,
  ...sandboxRoutes,
  ...poolRoutes,
  ...environmentRoutes,
  ...powerScheduleRoutes,
  ...instancePowerRoutes,
  ...powerRunRoutes,
  ...webhookRoutes,
  ...notificationRoutes,
  ...applicationRoutes,
  ...projectRoutes,
  ...quotaRoutes,
];
