import { DomainError } from '../shared/errors.ts';

/** How reading an export's objects and the raw store fails; the codes are promised by domain/billing/ports.ts. */
export const objectErrors = {
  missing: (key: string): DomainError =>
    new DomainError({
      kind: 'not-found',
      code: 'billing.object-missing',
      message: `There is no object ${key} in the export. If the export is being rewritten just now, the next import finds it complete.`,
      details: { key },
    }),

  /** Not retried as it stands: the reader has to look at the manifest again first. */
  changed: (key: string): DomainError =>
    new DomainError({
      kind: 'precondition',
      code: 'billing.object-changed',
      message: `Object ${key} was replaced while it was being read. The manifest has to be read again.`,
      details: { key },
    }),

  truncated: (key: string, expectedBytes: number, receivedBytes: number): DomainError =>
    new DomainError({
      kind: 'unavailable',
      code: 'billing.object-truncated',
      message: `Object ${key} broke off after ${receivedBytes} of ${expectedBytes} bytes. It is read again.`,
      details: { key, expected_bytes: expectedBytes, received_bytes: receivedBytes },
    }),

  checksumMismatch: (key: string): DomainError =>
    new DomainError({
      kind: 'unavailable',
      code: 'billing.checksum-mismatch',
      message: `The bytes received for ${key} do not have the checksum their store promises. It is read again.`,
      details: { key },
    }),

  tooLarge: (key: string, sizeBytes: number, limitBytes: number): DomainError =>
    new DomainError({
      kind: 'limit-exceeded',
      code: 'billing.object-too-large',
      message: `Object ${key} has ${sizeBytes} bytes; at most ${limitBytes} are read at once. Check that the prefix points at a billing export.`,
      details: { key, size_bytes: sizeBytes, limit_bytes: limitBytes },
    }),

  rawMissing: (sha256: string): DomainError =>
    new DomainError({
      kind: 'not-found',
      code: 'billing.raw-object-missing',
      message: `The raw store holds no object ${sha256}. Import the month again to fetch it anew.`,
      details: { sha256 },
    }),

  rawDamaged: (sha256: string, actual: string): DomainError =>
    new DomainError({
      kind: 'invariant',
      code: 'billing.raw-object-damaged',
      message: `The raw store's object ${sha256} now has the digest ${actual}. Remove it and import the month again.`,
      details: { sha256, actual },
    }),
};
