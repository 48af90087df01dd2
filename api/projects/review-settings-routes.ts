import { changeReviewSettings } from '../../commands/projects/review-settings.ts';
import { getReviewSettings } from '../../db/projects/review-settings-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { MOST_REVIEW_DAYS, type ReviewSettings } from '../../domain/projects/review-settings.ts';
import { requireIfMatch } from '../shared/etag.ts';
import { inOrganization } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { z } from '../shared/zod.ts';

const tags = ['projects'];
const days = z.int().min(1).max(MOST_REVIEW_DAYS);

const settingsBody = z
  .strictObject({
    organization_id: z.string(),
    escalate_after_days: z.int().openapi({ description: 'Every manager is told again when an application has waited this long.' }),
    expire_after_days: z.int().openapi({ description: 'An application on which nobody has decided by then ends.' }),
    version: z.int(),
  })
  .openapi('ReviewSettings');

const settingsEdit = z.strictObject({ escalate_after_days: days.optional(), expire_after_days: days.optional() }).openapi('EditReviewSettings');

function settingsView({ organizationId, escalateAfterDays, expireAfterDays, version }: ReviewSettings): z.input<typeof settingsBody> {
  return { organization_id: organizationId, escalate_after_days: escalateAfterDays, expire_after_days: expireAfterDays, version };
}

const get = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/review-settings',
  id: 'getReviewSettings',
  summary: 'How long applications wait before they are escalated, and before they end',
  tags,
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  responses: { 200: settingsBody },
  async handle({ deps, organizationId }) {
    const settings = await getReviewSettings(deps.db, organizationId);
    return { status: 200, body: settingsView(settings), version: settings.version };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/organizations/{organization_id}/review-settings',
  id: 'editReviewSettings',
  summary: 'State how long applications wait; those under review keep their deadlines',
  tags,
  access: { kind: 'organization', role: 'manager', scopeFrom: 'path' },
  tokenScope: 'write',
  params: inOrganization,
  body: settingsEdit,
  responses: { 200: settingsBody },
  async handle(context, { body }) {
    const { deps, organizationId, at, actor: by } = context;
    const check = requireIfMatch(context, 'review-settings');
    const changes = { escalateAfterDays: body.escalate_after_days, expireAfterDays: body.expire_after_days };
    const settings = await inTransaction(deps.db, (tx) => changeReviewSettings(tx, organizationId, changes, { at, by, check }));
    return { status: 200, body: settingsView(settings), version: settings.version };
  },
});

export const reviewSettingsRoutes = [get, edit];
