/**
 * What other domains may ask of quotas, inside their own transaction. Locks in this order: the organization's
 * capacity, the project, application, environment, booking, resource; a project's quota row comes with its project.
 */
export { releasedWithProject as allocationsReleasedWith } from '../../db/quotas/allocation-store.ts';
export { commitHold, holdQuota, releaseAllocation, releaseAllocations, renewHold, type AllocationRef, type Hold, type HoldInUse } from './allocations.ts';
export { grantQuota, lockCapacity, releaseGrant, roomToStart, type QuotaGrant } from './grants.ts';
