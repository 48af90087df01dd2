import { andThen, step, unchanged, type Settled } from '../shared/entity.ts';
import { DomainError, invalidField } from '../shared/errors.ts';
import type { Instant } from '../shared/time.ts';
import { mergeProperties, type Properties, type PropertyPatch } from './properties.ts';

/** What an environment is at an instant: never stored, always derived. */
export const ENVIRONMENT_STATUSES = ['available', 'in-use', 'unavailable'] as const;
export type EnvironmentStatus = (typeof ENVIRONMENT_STATUSES)[number];

/** The resource type of an environment that is a marked resource. */
export type SharedAs = 'Instance' | 'Cluster';

/**
 * What a resource is shared as; null for what cannot be shared. Instances are those that discovery knows. Clusters are told
 * by their type, `service:cluster` as bills have it (`eks:cluster`, `ecs:cluster`, `rds:cluster`, `redshift:cluster` …).
 */
export function sharedAs({ type, isInstance }: { type: string; isInstance: boolean }): SharedAs | null {
  if (isInstance) return 'Instance';
  return type.endsWith(':cluster') ? 'Cluster' : null;
}

/** Something people book: made by hand, or an instance or a cluster that was marked as shared. */
export interface Environment {
  id: string;
  organizationId: string;
  name: string;
  resourceType: string;
  /** The instance or cluster that was marked; null for one made by hand. */
  resourceId: string | null;
  isActive: boolean;
  /** A booking needs an SSH key. */
  sshRequired: boolean;
  properties: Properties;
  ownerUserId: string | null;
  poolId: string;
  /** Started before a booking by its boot time. Only where an instance stands behind it. */
  powerOnBefore: boolean;
  /** Stopped after a booking. Only where an instance stands behind it. */
  powerOffAfter: boolean;
  /** When the secret of its collector_url was made; null when it has none. */
  collectorSecretMadeAt: Instant | null;
  version: number;
  createdAt: Instant;
  lastAt: Instant;
  deletedAt: Instant | null;
}

export type NewEnvironment = Omit<Environment, 'collectorSecretMadeAt' | 'version' | 'createdAt' | 'lastAt' | 'deletedAt'>;

export interface EnvironmentEdit {
  name?: string | undefined;
  resourceType?: string | undefined;
  sshRequired?: boolean | undefined;
  properties?: PropertyPatch | undefined;
  ownerUserId?: string | null | undefined;
  poolId?: string | undefined;
  powerOnBefore?: boolean | undefined;
  powerOffAfter?: boolean | undefined;
}

/** Why power cannot be switched for an environment; null when it can. */
export type CannotSwitch = string | null;

export function newEnvironment(environment: NewEnvironment, cannotSwitch: CannotSwitch, at: Instant): Environment {
  refusePower(environment, cannotSwitch);
  const { properties } = mergeProperties({}, environment.properties);
  return { ...environment, properties, collectorSecretMadeAt: null, version: 1, createdAt: at, lastAt: at, deletedAt: null };
}

/**
 * Changes an environment; properties are merged. The name and type of a marked one can change: they
 * are what people call it. Power settings need an instance that can stop.
 */
export function editEnvironment(environment: Environment, changes: EnvironmentEdit, cannotSwitch: CannotSwitch): Settled<Environment> {
  const { properties: patch, ...fields } = changes;
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Environment>;
  const { properties } = mergeProperties(environment.properties, patch ?? {});
  const after: Environment = { ...environment, ...given, properties };
  if (changes.powerOnBefore === true || changes.powerOffAfter === true) refusePower(after, cannotSwitch);
  return same(after, environment) ? unchanged(environment) : step(environment, after, 'environments.edit');
}

/** What a pipeline reports is merged into the properties. */
export function collect(environment: Environment, patch: PropertyPatch): Settled<Environment> {
  const { properties, changes } = mergeProperties(environment.properties, patch, 'body');
  return Object.keys(changes).length === 0 ? unchanged(environment) : step(environment, { ...environment, properties }, 'environments.collect');
}

/** Takes it out of service: nobody books it any more, bookings that are stay. */
export function deactivate(environment: Environment): Settled<Environment> {
  return environment.isActive ? step(environment, { ...environment, isActive: false }, 'environments.deactivate') : unchanged(environment);
}

export function reactivate(environment: Environment): Settled<Environment> {
  return environment.isActive ? unchanged(environment) : step(environment, { ...environment, isActive: true }, 'environments.reactivate');
}

/** Deletes it, and with it the way in for pipelines. Its name is free again. */
export function deleteEnvironment(environment: Environment, at: Instant): Settled<Environment> {
  return andThen(closeCollector(environment), (closed) => step(closed, { ...closed, deletedAt: at }, 'environments.delete'));
}

/** Its instance leaves the organization: it stays, as one made by hand would, and its bookings with it. */
export function loseInstance(environment: Environment): Settled<Environment> {
  if (environment.resourceId === null) return unchanged(environment);
  return step(environment, { ...environment, resourceId: null, powerOnBefore: false, powerOffAfter: false }, 'environments.lose-instance');
}

/** Opens the way in for pipelines, with a new secret; an older one is void. */
export function openCollector(environment: Environment, at: Instant): Settled<Environment> {
  return step(environment, { ...environment, collectorSecretMadeAt: at }, 'environments.make-collector-url');
}

/** Closes the way in for pipelines. */
export function closeCollector(environment: Environment): Settled<Environment> {
  if (environment.collectorSecretMadeAt === null) return unchanged(environment);
  return step(environment, { ...environment, collectorSecretMadeAt: null }, 'environments.revoke-collector-url');
}

/** What it is, given whether somebody holds it at the instant that is asked about. */
export function statusOf(isActive: boolean, isHeld: boolean): EnvironmentStatus {
  if (!isActive) return 'unavailable';
  return isHeld ? 'in-use' : 'available';
}

function refusePower({ powerOnBefore, powerOffAfter }: Pick<Environment, 'powerOnBefore' | 'powerOffAfter'>, cannotSwitch: CannotSwitch): void {
  if (cannotSwitch === null || (!powerOnBefore && !powerOffAfter)) return;
  throw invalidField('environments.cannot-switch-power', powerOnBefore ? 'power_on_before' : 'power_off_after', `cannot be set: ${cannotSwitch}`);
}

export function nameTaken(name: string, resourceType: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'environments.name-taken',
    message: `There is another ${resourceType} called ${name} among the organization’s environments. Choose another name.`,
    fields: [{ field: 'name', problem: 'is taken by another environment of this type' }],
  });
}

function same(a: Environment, b: Environment): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
