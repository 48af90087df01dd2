import type { ExportObjects } from '../billing/ports.ts';
import type { AwsCredentials } from './aws-credentials.ts';
import type { AwsConnectionRequest } from './aws-connection.ts';
import type { ExportSettings } from './data-source.ts';

/** What a check found; everything in it has been tried, nothing is assumed. */
export interface CheckedConnection {
  /**
   * The account the credentials belong to, as STS says. For a directory without credentials the
   * account its newest legacy manifest names, else null.
   */
  accountId: string | null;
  /** ARN of the user or role that STS saw; null without credentials. */
  principalArn: string | null;
  /** Null for a linked account. */
  export: ExportSettings | null;
  /** What the person should know, each a sentence. */
  warnings: string[];
}

/** Verifies a connection before anything is saved. */
export interface ConnectionChecker {
  /**
   * Asks STS who we are, finds or creates the export, lists it and reads the first bytes of one
   * object. `create` is safe to repeat: a bucket and an export made by an earlier attempt are found
   * again.
   *
   * @param credentials null only for the scheme `directory`.
   * @throws DomainError `aws.*` (see aws-errors.ts), `data-sources.*`. Nothing thrown holds a secret.
   */
  check(request: AwsConnectionRequest, credentials: AwsCredentials | null, signal: AbortSignal): Promise<CheckedConnection>;
}

/** Gives read access to a checked export, wherever it lies. */
export interface ExportAccess {
  /** @throws DomainError `data-sources.directory-not-allowed` or `data-sources.no-credentials`. */
  exportObjectsFor(settings: ExportSettings, credentials: AwsCredentials | null): ExportObjects;
}
