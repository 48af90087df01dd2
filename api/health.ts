import { Router } from 'express';
import type { ApiDependencies } from './shared/dependencies.ts';

/**
 * /healthz: this process answers. /readyz: it can serve, that is, its database answers. Temporal is
 * reported but not needed: people read and decide while it is down.
 */
export function healthRouter(deps: ApiDependencies): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/readyz', async (request, response) => {
    const database = await answers(deps, 'database', async () => {
      await deps.db.raw('select 1').timeout(2_000);
      return true;
    });
    const { temporalAnswers } = deps;
    const checks = {
      database,
      ...(temporalAnswers !== undefined && { temporal: await answers(deps, 'temporal', temporalAnswers) }),
    };
    response.status(database ? 200 : 503).json({ status: database ? 'ok' : 'unavailable', checks });
  });
  return router;
}

async function answers(deps: ApiDependencies, part: string, check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check();
  } catch (error) {
    deps.log.warn({ err: error, part }, 'part does not answer');
    return false;
  }
}
