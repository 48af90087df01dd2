import { DomainError } from '../../domain/shared/errors.ts';
import type { RequestContext } from './operation.ts';

/** The strong entity tag of a version (RFC 9110, section 8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/**
 * The check an edit makes on the locked row's version. Fails at once with 428 `<subject>.if-match-required`
 * when the request has no If-Match; the returned check fails with 412 `<subject>.changed-meanwhile` when
 * the row is no longer the one the caller read. `If-Match: *` accepts any version.
 *
 * @param subject singular, kebab-case: `data-source`.
 */
export function requireIfMatch(context: Pick<RequestContext, 'header'>, subject: string): (version: number) => void {
  const header = context.header('if-match');
  if (header === undefined) {
    throw new DomainError({
      kind: 'precondition',
      code: `${subject}.if-match-required`,
      message: 'If-Match is missing: send the ETag of what you read, so that nobody else’s edit is lost.',
    });
  }
  const tags = header.split(',').map((tag) => tag.trim());
  return (version) => {
    if (tags.includes('*') || tags.includes(etagOf(version))) return;
    throw new DomainError({
      kind: 'precondition',
      code: `${subject}.changed-meanwhile`,
      message: `Someone changed this ${subject.replaceAll('-', ' ')} since you read it (${header}, now ${etagOf(version)}): read it again and repeat the edit.`,
    });
  };
}
