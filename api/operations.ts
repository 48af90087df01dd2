import { operationRoutes } from './operations/routes.ts';
import type { Operation } from './shared/operation.ts';

/** Every operation of the API. A domain adds its `routes.ts` here and nowhere else. */
export const operations: Operation[] = [...operationRoutes];
