import { hasActivePurpose, holdPurpose } from '../../db/projects/purpose-store.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { ApplicationType } from '../../domain/projects/application.ts';
import { FIELDS_OF } from '../../domain/projects/application-rules.ts';
import { requireActivePurpose, requireWithinPurpose, type PurposeRequest } from '../../domain/projects/purpose.ts';
import { NOTHING } from '../../domain/quotas/amounts.ts';
import { invalidField } from '../../domain/shared/errors.ts';

/** What a request adds to: nothing of a kind is within every limit. */
export const ASKS_NOTHING: PurposeRequest = { quota: NOTHING, days: 0 };

/**
 * Refuses what the purpose of a project, as it is now, does not allow: `purposes.above-limits`; a new project also
 * where the purpose is out of use. The purpose stays as it is until the transaction ends.
 */
export async function requirePurposeAllows(
  tx: Transaction,
  project: { organizationId: string; purposeId: string | null },
  type: ApplicationType,
  request: PurposeRequest,
): Promise<void> {
  const { organizationId, purposeId } = project;
  if (purposeId === null) return;
  const purpose = await holdPurpose(tx, organizationId, purposeId);
  if (purpose === null) throw invalidField('purposes.no-such-purpose', 'purpose_id', `${purposeId} is no purpose of the organization; list its purposes`);
  if (type === 'project') requireActivePurpose(purpose);
  requireWithinPurpose(purpose, request, FIELDS_OF[type]);
}

/** Refuses a new project without a purpose where the organization has purposes to choose from. */
export async function requirePurposeNamed(tx: Transaction, organizationId: string, purposeId: string | null): Promise<void> {
  if (purposeId !== null || !(await hasActivePurpose(tx, organizationId))) return;
  throw invalidField('purposes.missing', 'purpose_id', 'is missing: choose one of the organization’s purposes');
}
