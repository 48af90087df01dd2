import { DomainError } from '../../domain/shared/errors.ts';

/** The names under which a raw store keeps things come from our own ids; anything else is a bug or an attack. */
export function refuseMalformedOrganization(organizationId: string): void {
  if (!/^[a-z0-9_]{1,64}$/.test(organizationId)) throw malformed('organization id', organizationId);
}

export function refuseMalformedDigest(sha256: string): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw malformed('SHA-256', sha256);
}

/** A document's name: segments of letters, digits and `._=-`, joined by slashes; never `.` or `..`. */
export function documentPath(name: string): string {
  const isSafe = name.split('/').every((segment) => /^[A-Za-z0-9_=-][A-Za-z0-9._=-]*$/.test(segment));
  if (!isSafe) throw malformed('document name', name);
  return name;
}

function malformed(what: string, value: string): DomainError {
  return new DomainError({
    kind: 'invariant',
    code: 'billing.malformed-raw-name',
    message: `${JSON.stringify(value)} cannot be a ${what} in the raw store.`,
  });
}
