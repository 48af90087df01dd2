import { Router, type RequestHandler } from 'express';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  /** Notes the duration of one operation's calls, by status. */
  measure(operationId: string): RequestHandler;
  router: Router;
}

/** Prometheus metrics of this process at /metrics. Labels hold operation ids only, so their number is bounded. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'orrery_http_request_duration_seconds',
    help: 'How long an operation took to answer, by operation id and status.',
    labelNames: ['operation', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const router = Router();
  router.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  const measure = (operationId: string): RequestHandler => (_request, response, next) => {
    const stop = duration.startTimer({ operation: operationId });
    response.once('finish', () => void stop({ status: String(response.statusCode) }));
    next();
  };
  return { registry, measure, router };
}
