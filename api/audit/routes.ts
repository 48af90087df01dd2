import { listLedger, type LedgerEntry } from '../../db/audit/ledger-store.ts';
import { idOf, inOrganization, instant, instantInput } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, sortedBy, sortOf, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const eventBody = z
  .strictObject({
    id: z.string(),
    at: instant,
    due_at: instant.nullable().openapi({ description: 'When time, not a person, moved the subject: the instant that was due.' }),
    subject_id: z.string(),
    action: z.string(),
    actor: z.strictObject({ kind: z.enum(['person', 'system']), id: z.string().nullable(), name: z.string() }),
    before: z.unknown().openapi({ description: 'The subject before, null when it was made.' }),
    after: z.unknown().openapi({ description: 'The subject after, null when it was removed.' }),
    workflow_id: z.string().nullable(),
    request_id: z.string().nullable(),
  })
  .openapi('Event');

function eventView(entry: LedgerEntry): z.input<typeof eventBody> {
  return {
    id: entry.id,
    at: entry.at,
    due_at: entry.dueAt ?? null,
    subject_id: entry.subject,
    action: entry.action,
    actor: { kind: entry.actorKind, id: entry.actorId, name: entry.actorName },
    before: entry.before ?? null,
    after: entry.after ?? null,
    workflow_id: entry.workflowId,
    request_id: entry.requestId,
  };
}

const list = defineOperation({
  method: 'get',
  path: '/v1/organizations/{organization_id}/events',
  id: 'listEvents',
  summary: 'Who did what, and when',
  tags: ['audit'],
  access: { kind: 'organization', role: 'member', scopeFrom: 'path' },
  tokenScope: 'read',
  params: inOrganization,
  query: z.strictObject({
    ...pageFields,
    subject_id: z.string().min(1).max(100).optional(),
    action: z.string().min(1).max(100).optional().openapi({ description: 'What the action begins with: `organizations.` or `data-sources.pause`.' }),
    actor_id: idOf('user').optional(),
    since: instantInput.optional().openapi({ description: 'Events at or after this instant.' }),
    until: instantInput.optional().openapi({ description: 'Events before this instant.' }),
    sort: sortedBy(['at']).default('-at'),
  }),
  responses: { 200: pageOf(eventBody) },
  async handle(context, { query }) {
    const position = readCursor('listEvents', query, 1);
    const found = await listLedger(
      context.deps.db,
      context.organizationId,
      { subject: query.subject_id, actionPrefix: query.action, actorId: query.actor_id, since: query.since, until: query.until },
      { limit: query.page_size + 1, descending: sortOf(query.sort).descending, after: position === null ? null : String(position[0]) },
    );
    const page = { rows: found.items, total: found.total };
    return { status: 200, body: toPage('listEvents', query, page, { item: eventView, positionOf: (entry) => [entry.id] }) };
  },
});

export const auditRoutes = [list];
