import { step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

/** How many pools may lie above one. */
export const DEEPEST = 20;

/** A node of the tree by which an organization groups what it has. The root is made with the organization. */
export interface Pool {
  id: string;
  organizationId: string;
  /** Null for the root. */
  parentId: string | null;
  name: string;
  ownerUserId: string | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export interface PoolEdit {
  name?: string | undefined;
  ownerUserId?: string | null | undefined;
  parentId?: string | undefined;
}

/** Where a pool would lie: the pools from its new parent up to the root. */
export type PathUp = readonly string[];

export function newPool(pool: Pick<Pool, 'id' | 'organizationId' | 'parentId' | 'name' | 'ownerUserId'>, at: Instant): Pool {
  return { ...pool, version: 1, createdAt: at, lastAt: at };
}

/** Renames or moves a pool, or gives it another owner. `above` is the path up from a new parent. */
export function editPool(pool: Pool, changes: PoolEdit, above: PathUp): Settled<Pool> {
  const after: Pool = {
    ...pool,
    name: changes.name ?? pool.name,
    ownerUserId: changes.ownerUserId === undefined ? pool.ownerUserId : changes.ownerUserId,
    parentId: changes.parentId ?? pool.parentId,
  };
  if (after.parentId !== pool.parentId) refuseMove(pool, above);
  return JSON.stringify(after) === JSON.stringify(pool) ? unchanged(pool) : step(pool, after, 'pools.edit');
}

function refuseMove(pool: Pool, above: PathUp): void {
  if (pool.parentId === null) throw rootStays('moved');
  if (above.includes(pool.id)) {
    throw invalidField('pools.cycle', 'parent_id', 'is the pool itself or lies below it; choose a parent elsewhere in the tree');
  }
  refuseTooDeep(above);
}

export function refuseTooDeep(above: PathUp): void {
  if (above.length > DEEPEST) throw invalidField('pools.too-deep', 'parent_id', `has ${DEEPEST} pools above it, the most there may be; choose a higher one`);
}

/** A pool goes only when nothing is in it. The root never goes. */
export function refuseDeletion(pool: Pool, holds: { pools: number; environments: number }): void {
  if (pool.parentId === null) throw rootStays('deleted');
  if (holds.pools === 0 && holds.environments === 0) return;
  throw new DomainError({
    kind: 'conflict',
    code: 'pools.not-empty',
    message: `${pool.name} holds ${holds.pools} pools and ${holds.environments} environments. Move or delete them first.`,
    details: holds,
  });
}

function rootStays(verb: string): DomainError {
  return new DomainError({ kind: 'conflict', code: 'pools.root', message: `The root pool cannot be ${verb}; it goes with its organization.` });
}
