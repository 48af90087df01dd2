import { DomainError } from '../../domain/shared/errors.ts';

/** Another data source of the organization has the name. */
export function nameTaken(): DomainError {
  const problem = 'another data source of the organization has this name; choose another one';
  return new DomainError({
    kind: 'conflict',
    code: 'data-sources.name-taken',
    message: `name: ${problem}`,
    fields: [{ field: 'name', problem }],
  });
}
