import type { CloudCredentials } from '../../../domain/data-sources/cloud-credentials.ts';
import type { CloudAccount, CloudConnection, CloudProvider, PermissionText } from '../../../domain/data-sources/cloud-ports.ts';
import type { Cloud, InstanceRef } from '../../../domain/resources/instance.ts';

export type ContractInstanceKind = 'plain' | 'scaling-group' | 'one-time-spot' | 'instance-store-root' | 'local-ssd' | 'stop-protection';

/** What the next start of an instance meets; `stuck-stopping`: the next stop. Once, unless said otherwise. */
export type ContractOutcome =
  | 'no-capacity'
  | 'quota-exceeded'
  | 'throttled'
  | 'unavailable'
  /** The cloud does it, and the connection breaks before the answer. */
  | 'answer-lost'
  /** The call is accepted and the instance falls back to stopped, with the cloud's reason. */
  | 'operation-fails'
  /** The stop is accepted and the instance stays in "stopping" for good. */
  | 'stuck-stopping';

/** What a peer may be unable to show. A lack leaves its tests out; nothing else does. */
export type ContractFeature =
  /** The cloud has no credentials at all (sandbox). */
  | 'credentials'
  /** Permissions are not checked by the peer. */
  | 'permissions'
  /** The peer lists everything in one page. */
  | 'pages'
  /** The cloud lists the account in one go: there is no second scope. */
  | 'several-scopes'
  /** The cloud does not say how long to wait when it throttles. */
  | 'retry-after'
  /** The cloud has no zones. */
  | 'zones'
  | Exclude<ContractInstanceKind, 'plain'>
  | ContractOutcome;

export interface MakeInstance {
  name: string;
  state: 'running' | 'stopped';
  tags?: Record<string, string>;
  kind?: ContractInstanceKind;
  /** Made in another scope (region, zone) than the others. */
  elsewhere?: boolean;
}

/** A peer with an account in it, seen through the provider under test. */
export interface ContractWorld {
  cloud: Cloud;
  provider: CloudProvider;
  connection: CloudConnection;
  /** May do everything in `permissionText`. */
  credentials: CloudCredentials | null;
  /** Well-formed, and refused by the peer. Null with the lack `credentials`. */
  wrongCredentials: CloudCredentials | null;
  /** So malformed that nobody need be asked. Null with the lack `credentials`. */
  malformedCredentials: CloudCredentials | null;
  /** As resources name the account. */
  accountId: string;
  permissionText: PermissionText;
  /** How many instances the provider here gets in one page of a listing. Keep it small. */
  pageSize: number;
  make(options: MakeInstance): Promise<InstanceRef>;
  /** Deletes it in the cloud. */
  remove(ref: InstanceRef): Promise<void>;
  arrange(ref: InstanceRef, outcome: ContractOutcome): Promise<void>;
  /** The next discovery cannot list this scope, for a reason that is the cloud's. */
  failScope(scope: string): Promise<void>;
  /** Credentials that may do only this; null where the account itself is limited until the next `make`. */
  withPermissions(allowed: readonly string[]): Promise<CloudCredentials | null>;
  /** What changed an instance's course so far, in order: an ignored repeat is not among them. */
  effectiveActions(): Promise<{ action: 'start' | 'stop'; nativeId: string }[]>;
  /** Permissions that the calls so far asked for, in the cloud's spelling; repeats do not matter. */
  recordedPermissions(): Promise<string[]>;
  /** Lets the peer's time go on between two looks. Default: 10 ms pass. */
  pass?(): Promise<void>;
  end(): Promise<void>;
}

/** The world's account, by other credentials when given. */
export function openAccount(world: ContractWorld, credentials: CloudCredentials | null = world.credentials): CloudAccount {
  return world.provider.open({
    organizationId: 'org_01jd8000000000000000000001',
    dataSourceId: 'ds_01jd8000000000000000000001',
    accountId: world.accountId,
    connection: world.connection,
    credentials,
  });
}
