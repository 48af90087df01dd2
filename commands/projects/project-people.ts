import { membersAmong } from '../../db/projects/project-lists.ts';
import type { Transaction } from '../../db/shared/connection.ts';
import type { ProjectPeople } from '../../domain/projects/project.ts';
import { DomainError, type FieldProblem } from '../../domain/shared/errors.ts';

/** Refuses people who are no members of the organization, each by name: `projects.unknown-people`. */
export async function requireKnownPeople(tx: Transaction, { organizationId, managers, members }: ProjectPeople & { organizationId: string }): Promise<void> {
  const known = await membersAmong(tx, organizationId, [...managers, ...members]);
  const problems: FieldProblem[] = Object.entries({ managers, members }).flatMap(([field, ids]) =>
    ids.filter((id) => !known.has(id)).map((id) => ({ field, problem: `${id} is no member of the organization; add them to it first, or leave them out` })),
  );
  if (problems.length === 0) return;
  throw new DomainError({ kind: 'invalid-input', code: 'projects.unknown-people', message: problems.map(({ field, problem }) => `${field}: ${problem}`).join('; '), fields: problems });
}
