import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { isRetryable } from '../domain/shared/error-kinds.ts';
import { DomainError, toErrorRecord } from '../domain/shared/errors.ts';

/**
 * Turns a DomainError that leaves an activity into an ApplicationFailure whose type is its code, so
 * that workflows compare types, never classes, and Temporal retries exactly what may get better.
 */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw ApplicationFailure.create({
        type: error.code,
        message: error.message,
        nonRetryable: !isRetryable(error.kind),
        details: [toErrorRecord(error)],
      });
    }
  },
};
