import type { AzureCredentials } from '../../domain/data-sources/cloud-credentials.ts';
import { cloudError, type CloudProblem } from '../../domain/data-sources/cloud-errors.ts';
import type { DomainError } from '../../domain/shared/errors.ts';
import { retryAfterSeconds, unreachableCode } from './wire.ts';

/** An answer of Microsoft Entra ID that brought no token. */
export interface EntraRefusal {
  httpStatus: number;
  body: string;
  retryAfter: string | undefined;
}

/** What the latest request for a token met, in full: the SDK keeps it only partly, and nothing of a wrong tenant or a broken connection. */
export interface Heard {
  refusal: EntraRefusal | null;
  /** What kept an answer from coming. */
  failure: unknown;
}

/** How Entra ID's documentation calls the request. */
const CALL = 'POST /oauth2/v2.0/token';

/**
 * Entra ID's codes with what cures them, in our words: its own sentences carry trace ids and times.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const REFUSALS: Record<string, { problem: CloudProblem; sentence: string }> = {
  90002: bad('There is no directory (tenant) of this id. Check tenant_id, and that the directory is in this cloud.'),
  900021: bad('tenant_id is no id of a directory. Copy it again from the overview of Microsoft Entra ID.'),
  900023: bad('tenant_id is neither an id of a directory nor a verified domain. Copy it again from the overview of Microsoft Entra ID.'),
  700016: bad('The directory has no application of this client_id. Check client_id, and that the application is in the directory of tenant_id.'),
  700038: bad('client_id is no id of an application. Copy it again from the overview of the app registration.'),
  7000112: bad('The application is disabled. Enable it under Enterprise applications.'),
  7000215: bad("The client secret is wrong. Give the secret's value, not its id; when it is lost, make a new one under Certificates & secrets."),
  7000222: bad('The client secret has expired. Make a new one under Certificates & secrets of the app registration.'),
  7000229: bad('The application has no service principal in the directory. Create one: az ad sp create --id <client id>.'),
  53003: bad('A Conditional Access policy of the directory blocks the application here. Allow it for workload identities.'),
  500011: { problem: 'account-disabled', sentence: 'The directory does not know Azure Resource Manager: it has no Azure subscription.' },
  50196: { problem: 'throttled', sentence: 'Microsoft Entra ID was asked too often by this application.' },
};

function bad(sentence: string): { problem: CloudProblem; sentence: string } {
  return { problem: 'bad-credentials', sentence };
}

/** Explains why there is no token. `error` is what the SDK threw, `heard` what led to it. */
export function entraError(error: unknown, { refusal, failure }: Heard, credentials: AzureCredentials): DomainError {
  const resource = credentials.kind === 'client-secret' ? `tenant ${credentials.tenant_id}` : "the worker's own identity";
  const message = error instanceof Error ? error.message : '';
  const code = codeIn(refusal?.body ?? '') ?? codeIn(message);
  const httpStatus = refusal?.httpStatus;
  const reply = { call: CALL, resource, ...(httpStatus !== undefined && { httpStatus }) };
  const known = code === null ? undefined : REFUSALS[code];
  if (known !== undefined) {
    return cloudError('azure', known.problem, { ...reply, cloudCode: `AADSTS${code}`, cloudMessage: known.sentence, ...waitOf(refusal) });
  }
  if (httpStatus === 429) return cloudError('azure', 'throttled', { ...reply, cloudCode: 'TooManyRequests', ...waitOf(refusal) });
  if (httpStatus !== undefined && httpStatus >= 500) {
    return cloudError('azure', 'unavailable', { ...reply, cloudCode: code === null ? `HTTP ${httpStatus}` : `AADSTS${code}` });
  }
  if (code !== null || httpStatus !== undefined) {
    return cloudError('azure', 'bad-credentials', { ...reply, cloudCode: code === null ? `HTTP ${httpStatus}` : `AADSTS${code}` });
  }
  return withoutAnswer(failure ?? error, credentials, reply);
}

/** Nothing was heard: the network failed, or the worker has no identity to ask for. */
function withoutAnswer(error: unknown, credentials: AzureCredentials, reply: { call: string; resource: string }): DomainError {
  const system = unreachableCode(error);
  if (system !== null) return cloudError('azure', 'unavailable', { ...reply, cloudCode: system });
  const name = error instanceof Error ? error.name : 'NonError';
  if (credentials.kind === 'default-chain') {
    const cloudMessage = 'The worker finds no Azure identity in its surroundings. Give it a managed or workload identity or AZURE_ variables.';
    return cloudError('azure', 'bad-credentials', { ...reply, cloudCode: name, cloudMessage });
  }
  return cloudError('azure', 'unavailable', { ...reply, cloudCode: name });
}

function waitOf(refusal: EntraRefusal | null): { retryAfterSeconds?: number } {
  const seconds = retryAfterSeconds(refusal?.retryAfter);
  return seconds === undefined ? {} : { retryAfterSeconds: seconds };
}

function codeIn(text: string): string | null {
  return /AADSTS(\d+)/.exec(text)?.[1] ?? null;
}
