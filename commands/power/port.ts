/** What other domains may ask of power, inside their own transaction: they write claims, and power decides. */
export { changeClaims, withdrawClaims, type ClaimDecision } from './change-claims.ts';
export { fireTriggers, type TriggerFire } from './fire-triggers.ts';
export { forgetInstances } from './forget-instances.ts';
export { noticeObserved, type SeenState } from './notice-observed.ts';
export { withOpenItems } from '../../db/power/run-item-store.ts';
export type { CreatedRun } from './create-runs.ts';
