import { laterOf, type Instant } from '../shared/time.ts';
import { settleProject } from './project-time.ts';
import type { Project, Room } from './project.ts';

/** What a rehearsal tells of: everything that is warned of, buffered or released. Starts are no loss. */
export const REHEARSED = ['projects.warn', 'projects.expire', 'projects.announce-release', 'projects.hold-release', 'projects.release'] as const;
export type RehearsedAction = (typeof REHEARSED)[number];

/** One thing that will happen, unless somebody decides otherwise before. */
export interface Rehearsed {
  project: Project;
  action: RehearsedAction;
  at: Instant;
}

/**
 * What time alone will do to a project from `from` on and until `to`, included: the reducer that acts is asked at
 * each of the project's own deadlines. What is overdue, for nobody was there to do it, comes first, at `from`. It
 * supposes that nobody decides meanwhile, that workers run, and that whoever waits for capacity goes on waiting.
 */
export function rehearse(project: Project, from: Instant, to: Instant): Rehearsed[] {
  const steps: Rehearsed[] = [];
  let known: Project = { ...project, room: roomOf(project) };
  for (let at: Instant | null = from; at !== null && at <= to && known.state !== 'releasing'; at = known.nextDueAt) {
    const { entity, transitions } = settleProject(known, at);
    for (const { action, dueAt, after } of transitions) {
      const rehearsed = REHEARSED.find((one) => one === action);
      if (rehearsed !== undefined) steps.push({ project: after, action: rehearsed, at: laterOf(from, dueAt ?? at) });
    }
    known = entity;
  }
  return steps;
}

function roomOf({ room, waitingSince, waitingFor }: Project): Room {
  return room ?? { fits: waitingSince === null, heldBy: waitingFor };
}
