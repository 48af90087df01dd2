import { kindsAbove, plainAmount, type CapacityAmounts, type QuotaAmounts, type QuotaKind } from '../quotas/amounts.ts';
import { DomainError, type FieldProblem } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';

/** What a purpose lets one project have. Null for a limit: none. */
export interface PurposeLimits {
  maxGpu: string | null;
  maxCpu: string | null;
  maxRamGib: string | null;
  /** Planned days from the first to the last, extensions included. */
  maxDays: number | null;
}

/** What projects are for, as an organization's managers define it: it limits what may be requested. */
export interface ProjectPurpose extends PurposeLimits {
  id: string;
  organizationId: string;
  name: string;
  description: string;
  /** Whether new projects may be applied for with it; those that have it keep it. */
  active: boolean;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
}

export type PurposeWish = Pick<ProjectPurpose, 'name' | 'description' | 'active'> & PurposeLimits;
export type PurposeEdit = { [Field in keyof PurposeWish]?: PurposeWish[Field] | undefined };

/** Limits in their one way of writing, so that what differs in zeros alone does not differ. */
export function plainLimits<L extends PurposeLimits>(limits: L): L {
  const plain = (amount: string | null): string | null => (amount === null ? null : plainAmount(amount));
  return { ...limits, maxGpu: plain(limits.maxGpu), maxCpu: plain(limits.maxCpu), maxRamGib: plain(limits.maxRamGib) };
}

/** The purpose with what was named changed; itself when that is nothing. */
export function editPurpose(purpose: ProjectPurpose, edit: PurposeEdit): ProjectPurpose {
  const named = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
  const after = plainLimits({ ...purpose, ...named });
  return JSON.stringify(after) === JSON.stringify(purpose) ? purpose : after;
}

/** What is asked of a purpose: what a project would have in all, and how many days it would last in all. */
export interface PurposeRequest {
  quota: QuotaAmounts;
  days: number;
}

/** Where the caller said what: paths of fields. */
export type PurposeFields = Record<QuotaKind | 'days', string>;

/**
 * Refuses what a purpose does not allow, every field by its name: `purposes.above-limits`. The same
 * limits hold at the application and, as they are then, at its approval.
 */
export function requireWithinPurpose(purpose: ProjectPurpose, { quota, days }: PurposeRequest, fields: PurposeFields): void {
  const limits: CapacityAmounts = { gpu: purpose.maxGpu, cpu: purpose.maxCpu, ram_gib: purpose.maxRamGib };
  const problems: FieldProblem[] = kindsAbove(quota, limits).map((kind) => ({
    field: fields[kind],
    problem: `comes to ${quota[kind] ?? 'no limit'} in all, and ${purpose.name} allows ${limits[kind] ?? ''}; ask for less or choose another purpose`,
  }));
  if (purpose.maxDays !== null && days > purpose.maxDays) {
    problems.push({ field: fields.days, problem: `comes to ${days} days in all, and ${purpose.name} allows ${purpose.maxDays}; ask for fewer` });
  }
  if (problems.length === 0) return;
  throw new DomainError({
    kind: 'invalid-input',
    code: 'purposes.above-limits',
    message: problems.map(({ field, problem }) => `${field} ${problem}`).join(' '),
    fields: problems,
    details: { purpose_id: purpose.id, limits: { ...limits, days: purpose.maxDays } },
  });
}

/** Refuses a purpose that begins no project any more: `purposes.inactive`. */
export function requireActivePurpose(purpose: ProjectPurpose): void {
  if (purpose.active) return;
  const problem = `${purpose.name} is out of use; choose another purpose, or let a manager activate it`;
  throw new DomainError({
    kind: 'conflict',
    code: 'purposes.inactive',
    message: `purpose_id: ${problem}`,
    fields: [{ field: 'purpose_id', problem }],
    details: { purpose_id: purpose.id },
  });
}
