import { accountRoutes } from './account-routes.ts';
import { faultRoutes } from './fault-routes.ts';
import { instanceRoutes } from './instance-routes.ts';
import { scalingGroupRoutes } from './scaling-group-routes.ts';

/** What arranges a sandbox: a person's side of the cloud, not the product's. */
export const sandboxRoutes = [...accountRoutes, ...instanceRoutes, ...faultRoutes, ...scalingGroupRoutes];
