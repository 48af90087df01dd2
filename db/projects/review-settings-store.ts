import { defaultReviewSettings, type ReviewSettings } from '../../domain/projects/review-settings.ts';
import type { Database, Transaction } from '../shared/connection.ts';

/** What an organization stated, or the default where it stated nothing. */
export async function getReviewSettings(db: Database | Transaction, organizationId: string): Promise<ReviewSettings> {
  const row = await db('review_settings').where('organization_id', organizationId).first<Record<string, unknown> | undefined>();
  if (row === undefined) return defaultReviewSettings(organizationId);
  return {
    organizationId,
    escalateAfterDays: row.escalate_after_days as number,
    expireAfterDays: row.expire_after_days as number,
    version: row.version as number,
    lastAt: row.last_at as string,
  };
}

/** Reads them under the organization's lock, so that two first statements do not meet. */
export async function lockReviewSettings(tx: Transaction, organizationId: string): Promise<ReviewSettings> {
  await tx.raw('select id from organizations where id = ? for no key update', [organizationId]);
  return await getReviewSettings(tx, organizationId);
}

export async function saveReviewSettings(tx: Transaction, settings: ReviewSettings): Promise<void> {
  const columns = {
    escalate_after_days: settings.escalateAfterDays,
    expire_after_days: settings.expireAfterDays,
    version: settings.version,
    last_at: settings.lastAt,
  };
  await tx('review_settings').insert({ organization_id: settings.organizationId, ...columns }).onConflict('organization_id').merge(columns);
}
