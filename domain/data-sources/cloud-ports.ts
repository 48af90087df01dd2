import type { Cloud, DiscoveredInstance, InstanceRef, InstanceState, ObservedInstance } from '../resources/instance.ts';
import type { DomainError } from '../shared/errors.ts';
import type { CloudCredentials } from './cloud-credentials.ts';

/** One step of a discovery. An instance belongs to the scope it was listed in. */
export type DiscoveryStep =
  | { kind: 'instances'; scope: string; instances: DiscoveredInstance[] }
  /** The scope was listed to its end: what it did not show is gone. */
  | { kind: 'listed'; scope: string }
  /** The scope could not be listed whole; nothing of it may be called gone. */
  | { kind: 'failed'; scope: string; error: DomainError };

/** Lists the instances of an account. */
export interface InstanceCatalog {
  /**
   * Every instance of every region, page by page. A scope is what the cloud lists in one go: a
   * region (AWS, Alibaba), a zone (Google), the subscription (Azure). A scope's failure is a step,
   * not an exception; what keeps any scope from being listed (bad credentials, no list of regions)
   * throws. Each page call is bounded in time and ends at `signal`.
   */
  discover(signal: AbortSignal): AsyncIterable<DiscoveryStep>;
}

/** What became of a call for one instance. */
export type PowerCall =
  | {
      accepted: true;
      /** The state the cloud's answer tells, when it tells one. */
      state: InstanceState | null;
      /** The cloud's long-running operation, enough to follow it from another process; null where there is none. */
      operation: string | null;
    }
  | { accepted: false; error: DomainError };

/** Starts, stops and observes instances. Keys of the maps are native ids; every ref is answered. */
export interface PowerControl {
  /** How many instances one start or stop may carry. 1 where the cloud has no batches. */
  readonly batchSize: number;
  /** How many calls may run beside each other without drawing the cloud's throttling. */
  readonly concurrency: number;
  /**
   * What the instances are now, in as few calls as the cloud allows. One the cloud no longer knows is
   * `terminated`. Throws when nothing could be learned.
   */
  observe(refs: readonly InstanceRef[], signal: AbortSignal): Promise<Map<string, ObservedInstance>>;
  /**
   * Asks for running. `requestKey` is the same for repeats of one wish: clouds that know request ids
   * are given one derived from it. Throws a cloud error when the call as a whole was refused or lost;
   * then the caller splits the batch. Never waits for the state to be reached. All refs are of one region.
   */
  start(refs: readonly InstanceRef[], requestKey: string, signal: AbortSignal): Promise<Map<string, PowerCall>>;
  /** Asks for stopped without compute charges (Azure deallocates, Alibaba StopCharging). Otherwise as `start`. */
  stop(refs: readonly InstanceRef[], requestKey: string, signal: AbortSignal): Promise<Map<string, PowerCall>>;
  /** How an operation that a call answered with is doing. An operation the cloud has forgotten counts as done. */
  followOperation(ref: InstanceRef, operation: string, signal: AbortSignal): Promise<OperationState>;
}

export type OperationState = { done: false } | { done: true; error: DomainError | null };

/** What identifies an account with its cloud, without secrets; empty where the credentials say it all. */
export interface CloudConnection {
  /** Azure: the subscription's id. Google: the project's id. */
  account?: string | undefined;
  /** Alibaba: the region whose endpoint is asked first, `cn-hangzhou` by default. */
  region?: string | undefined;
}

/** What a check of the credentials found. */
export interface CheckedAccount {
  /** The account as resources name it: subscription id, project id, Alibaba account id. */
  accountId: string;
  /** Who the credentials are, for people; null when the cloud does not tell. */
  principal: string | null;
  /** What the person should know, each a sentence. */
  warnings: string[];
}

/** One open account. */
export interface CloudAccount {
  power: PowerControl;
  catalog: InstanceCatalog;
}

/** Whom a provider is to work for. */
export interface AccountTarget {
  organizationId: string;
  dataSourceId: string;
  accountId: string;
  connection: CloudConnection;
  credentials: CloudCredentials | null;
}

/** A cloud as the product sees it. SDKs are loaded by the first call that needs one. */
export interface CloudProvider {
  readonly cloud: Cloud;
  /** Refuses what is malformed without calling anyone; a field is named as the API names it. */
  refuseMalformed(connection: CloudConnection, credentials: CloudCredentials | null): void;
  /** Tries the credentials with harmless reads. @throws cloud errors (cloud-errors.ts). */
  check(connection: CloudConnection, credentials: CloudCredentials | null, signal: AbortSignal): Promise<CheckedAccount>;
  open(target: AccountTarget): CloudAccount;
}

/** Every cloud by its name. */
export type CloudProviders = Readonly<Record<Cloud, CloudProvider>>;

/** The least permissions an account must give, as the cloud's own tools take them. */
export interface PermissionText {
  /** What the document is: `iam-policy`, `azure-custom-role`, `gcp-custom-role`, `ram-policy`. */
  format: string;
  /** Ready to paste into the cloud's console or command line. */
  document: unknown;
  /** Each permission by the cloud's spelling, and what it is for. */
  permissions: { name: string; purpose: 'connect' | 'discover' | 'start' | 'stop' | 'observe' }[];
}
