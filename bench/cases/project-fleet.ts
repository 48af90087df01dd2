import { createUser } from '../../commands/identity/create-user.ts';
import { hashSecret, newApiToken } from '../../commands/identity/secrets.ts';
import { approveProject, insertReviewingProject } from '../../commands/projects/decide-on-project.ts';
import { newId } from '../../commands/shared/new-id.ts';
import { insertMembership } from '../../db/organizations/membership-store.ts';
import type { Database, Transaction } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { requestWakeUps } from '../../db/shared/wake-up-store.ts';
import { addDays, localDateOf } from '../../domain/projects/local-days.ts';
import { plannedUntil, withDeadline } from '../../domain/projects/project-time.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import { toInstant, type Instant } from '../../domain/shared/time.ts';
import { PROJECT } from '../../workflows/projects/messages.ts';
import { createOrganization, TENANT } from './tenant.ts';

const { organizationId } = TENANT;
const BY = system('bench');
const PEOPLE = 100;
const ZONE = 'Europe/Berlin';
const DAYS = 365;

export interface ProjectFleet {
  /** The one that was applied for and approved; the others are copies of its rows. */
  template: Project;
  people: string[];
  /** Of a manager of the organization, who sees every project. */
  managerId: string;
  token: string;
}

/** An organization with its people and one active project of a year, of the commands' making. */
export async function fillTemplate(db: Database): Promise<ProjectFleet> {
  await createOrganization(db);
  const at = toInstant(Date.now());
  return await inTransaction(db, async (tx) => {
    const managerId = await insertPerson(tx, 'manager', 'Bench manager', at);
    const token = newApiToken();
    await tx('api_tokens').insert({ id: newId('api-token'), user_id: managerId, name: 'bench', token_hash: hashSecret(token), scopes: ['read'], created_at: at });
    const people: string[] = [];
    for (let number = 1; number <= PEOPLE; number += 1) people.push(await insertPerson(tx, 'member', `Person ${number}`, at));
    const startDate = localDateOf(at, ZONE);
    const { id } = await insertReviewingProject(
      tx,
      {
        organizationId, name: 'Project 0', description: 'One of many.', purposeId: null, timeZone: ZONE, startDate, endDate: addDays(startDate, DAYS),
        quota: { gpu: '0.625', cpu: '4', ram_gib: '16' }, managers: people.slice(0, 1), members: people.slice(1, 5),
      },
      { at, by: BY },
    );
    const template = await approveProject(tx, { organizationId, id }, { at, by: BY });
    return { template, people, managerId, token };
  });
}

async function insertPerson(tx: Transaction, role: 'manager' | 'member', displayName: string, at: Instant): Promise<string> {
  const email = `${displayName.toLowerCase().replace(' ', '-')}@example.org`;
  const { id } = await createUser(tx, { email, displayName, passwordHash: null, platformAdministrator: false, emailVerified: true }, { at, by: BY });
  await insertMembership(tx, { organizationId, userId: id, role, version: 1, createdAt: at });
  return id;
}

const COPIES = [
  `insert into projects select one.* from projects t, generate_series(:from::int, :to::int) as n,
     lateral jsonb_populate_record(t, jsonb_build_object('id', 'prj_' || lpad(n::text, 26, '0'), 'code', 'BENCH-' || n, 'name', 'Project ' || n) || cast(:project as jsonb)) as one
   where t.id = :template`,
  // One manager and four members each, by turns.
  `insert into project_members (organization_id, project_id, user_id, role)
   select :organizationId, 'prj_' || lpad(n::text, 26, '0'), (cast(:people as text[]))[1 + (n + m) % ${PEOPLE}], case m when 0 then 'manager' else 'member' end
   from generate_series(:from::int, :to::int) as n, generate_series(0, 4) as m`,
  `insert into project_quotas select one.* from project_quotas t, generate_series(:from::int, :to::int) as n,
     lateral jsonb_populate_record(t, jsonb_build_object('project_id', 'prj_' || lpad(n::text, 26, '0')) || cast(:quota as jsonb)) as one
   where t.project_id = :template`,
] as const;

/** Projects number `from` to `to`, and when they end: like the template by default. */
export interface Copies {
  from: number;
  to: number;
  endsAt?: Instant;
}

/** Copies the template's rows, in the caller's transaction. */
export async function copyProjects(tx: Transaction, { template, people }: ProjectFleet, { from, to, endsAt }: Copies): Promise<void> {
  const changes = endsAt === undefined ? { project: {}, quota: {} } : endingAt(template, endsAt);
  const bindings = { from, to, organizationId, template: template.id, people, project: JSON.stringify(changes.project), quota: JSON.stringify(changes.quota) };
  for (const statement of COPIES) await tx.raw(statement, bindings);
}

/** Copies the template's rows and asks that their workflows are opened. */
export async function openProjects(db: Database, fleet: ProjectFleet, copies: Copies): Promise<void> {
  await inTransaction(db, async (tx) => {
    await copyProjects(tx, fleet, copies);
    const entityIds = Array.from({ length: copies.to - copies.from + 1 }, (_, index) => `prj_${String(copies.from + index).padStart(26, '0')}`);
    await requestWakeUps(tx, { kind: PROJECT, organizationId, entityIds }, toInstant(Date.now()));
  });
}

/**
 * Columns of a project that ends soon. Nobody can wait for a local midnight, so the end lies within its last
 * day; the rules take the end from the row. Its warnings were due before and are behind it.
 */
function endingAt(template: Project, endsAt: Instant): { project: Record<string, unknown>; quota: Record<string, unknown> } {
  const endDate = localDateOf(endsAt, template.timeZone);
  const at = toInstant(Date.now());
  const project = withDeadline({ ...template, endDate, endsAt, noticedUntil: at }, at);
  if (project.nextDueAt !== endsAt) throw new Error(`a project that ends at ${endsAt} is due at ${project.nextDueAt}`);
  const periods = [{ start_date: project.startDate, end_date: endDate, application_id: null }];
  return { project: { end_date: endDate, ends_at: endsAt, periods, noticed_until: at, next_due_at: endsAt }, quota: { until: plannedUntil(project) } };
}
