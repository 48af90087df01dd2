import { approveProject, insertReviewingProject, type ReviewingProject } from '../../commands/projects/decide-on-project.ts';
import type { Config } from '../../config.ts';
import { getProject } from '../../db/projects/project-store.ts';
import type { Database } from '../../db/shared/connection.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import type { Project } from '../../domain/projects/project.ts';
import { system } from '../../domain/shared/entity.ts';
import type { Clock, Instant } from '../../domain/shared/time.ts';
import type { EntityRef } from '../../workflows/messages.ts';
import { insertPerson } from './bookings.ts';
import { anOrganization } from './connect.ts';
import { LOGIN, type MailServer } from './peers/mail-server.ts';
import type { Platform } from './platform.ts';
import { testClock, type TestClock } from './test-clock.ts';
import { travel, untilQuiet } from './travel.ts';

const by = system('test');

export type ProjectWish = Partial<ReviewingProject> & Pick<ReviewingProject, 'organizationId' | 'managers'>;

/** A project under review, of two months in UTC, for one GPU. */
export async function aProject(db: Database, wish: ProjectWish, at: Instant): Promise<Project> {
  const fields: ReviewingProject = {
    name: 'Vision', description: '', purposeId: null, timeZone: 'UTC', startDate: '2035-02-01', endDate: '2035-03-31', quota: { gpu: '1', cpu: '4', ram_gib: '16' }, members: [], ...wish,
  };
  return await inTransaction(db, (tx) => insertReviewingProject(tx, fields, { at, by }));
}

/** The same, approved. */
export async function anApprovedProject(db: Database, wish: ProjectWish, at: Instant): Promise<Project> {
  const { id, organizationId } = await aProject(db, wish, at);
  return await inTransaction(db, (tx) => approveProject(tx, { organizationId, id }, { at, by }));
}

/** What the ledger has of a project: each entry's action, and when it was due. */
export async function ledgerOf(db: Database, projectId: string): Promise<{ action: string; at: Instant; due: Instant | null; actor: string }[]> {
  return await db('ledger').where('subject', projectId).orderBy('id').select('action', 'at', 'due_at as due', 'actor_name as actor');
}

/** A platform in virtual time with an organization of a manager and an engineer. */
export interface ProjectSite {
  site: Platform;
  db: Database;
  clock: Clock & TestClock;
  organizationId: string;
  /** A manager of the organization, an engineer. */
  boss: string;
  lead: string;
  decision(): { at: Instant; by: typeof by };
  project(wish?: Partial<ReviewingProject>): Promise<Project>;
  read(id: string): Promise<Project>;
  ref(id: string): EntityRef;
  travelTo(at: Instant): Promise<void>;
  /** Stops workers, relay and reconciler; `begin` starts them again and lets them work off what waits. */
  halt(): Promise<void>;
  begin(): Promise<void>;
}

/** Builds one over a platform whose workers run from the start; takes the workers down with the test. */
export async function projectSite(t: { teardown(end: () => Promise<void>): void }, site: Platform, start: Instant): Promise<ProjectSite> {
  const clock = testClock(start);
  const { db } = site;
  let workers: { stop(): Promise<void> } | null = await site.startWorkers(clock);
  const halt = async (): Promise<void> => {
    await workers?.stop();
    workers = null;
  };
  t.teardown(halt);
  const organizationId = await anOrganization(site);
  const [{ userId: boss }, { userId: lead }] = [await insertPerson(db, organizationId, 'manager', clock.now()), await insertPerson(db, organizationId, 'engineer', clock.now())];
  const read = async (id: string): Promise<Project> => {
    const project = await getProject(db, organizationId, id);
    if (project === null) throw new Error(`there is no project ${id}`);
    return project;
  };
  return {
    site, db, clock, organizationId, boss, lead, read, halt,
    decision: () => ({ at: clock.now(), by }),
    project: (wish = {}) => anApprovedProject(db, { organizationId, managers: [lead], ...wish }, clock.now()),
    ref: (id) => ({ organizationId, id }),
    travelTo: (at) => travel(site, clock, at),
    async begin() {
      workers = await site.startWorkers(clock);
      await untilQuiet(site, clock.now());
    },
  };
}

/** Mails as a real server received them: whom they went to, their Message-ID and subject. */
export function lettersOf(server: Pick<MailServer, 'received'>): { to: string; id: string; subject: string; raw: string }[] {
  const field = (raw: string, name: string): string => new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'mi').exec(raw)?.[1]?.replaceAll(/\r\n[ \t]+/g, ' ') ?? '';
  return server.received.map(({ to, raw }) => ({ to: to.join(), id: field(raw, 'Message-ID'), subject: field(raw, 'Subject'), raw }));
}

/** A platform's mail settings for a server of the test's. */
export function throughSmtp({ port, authority }: Pick<MailServer, 'port' | 'authority'>): Config['mail'] {
  return { kind: 'smtp', host: '127.0.0.1', port, security: 'starttls', login: LOGIN, certificateAuthority: authority, from: 'Orrery <orrery@example.org>' };
}
