import type { DataSource } from '../../domain/data-sources/data-source.ts';
import { DomainError } from '../../domain/shared/errors.ts';

/** The organization has the account already: `details` say as which data source. */
export function accountConnected(there: Pick<DataSource, 'id' | 'name' | 'accountId' | 'kind'>): DomainError {
  const bill =
    there.kind === 'root'
      ? ' For a bill at another place, give that data source the new export with :reconnect; for more months of the same report, put their folders below one directory.'
      : '';
  return new DomainError({
    kind: 'conflict',
    code: 'data-sources.account-connected',
    message: `The account ${there.accountId} is already connected as the data source ${there.name}. New credentials go to that one, with :reconnect.${bill}`,
    details: { data_source_id: there.id, account_id: there.accountId },
  });
}

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
