import type { Instance, Reservation } from '@aws-sdk/client-ec2';
import type { CanStop, CannotStopReason, DiscoveredInstance, InstanceState, ObservedInstance } from '../../domain/resources/instance.ts';

/** What a listing alone does not tell of an instance. */
export interface Ec2Facts {
  /** Whether instances of the type have local disks; null when that could not be read. */
  hasLocalDisks(instanceType: string): boolean | null;
  /** Why a spot instance of this request cannot be stopped and started; null when it can. */
  spotObstacle(spotRequestId: string | undefined): string | null;
}

/**
 * EC2's states in ours. `shutting-down` counts as terminated: nothing is charged any more and nothing
 * brings the instance back. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
 */
const STATES: Record<string, InstanceState> = {
  pending: 'starting',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'terminated',
  terminated: 'terminated',
};

export function stateOf(name: string | undefined): InstanceState {
  return STATES[name ?? ''] ?? 'unknown';
}

export function observedOf(instance: Instance): ObservedInstance {
  return { state: stateOf(instance.State?.Name), stateReason: stateReasonOf(instance) };
}

export function discoveredOf(reservation: Reservation, instance: Instance, regionId: string, facts: Ec2Facts): DiscoveredInstance {
  const nativeId = instance.InstanceId ?? '';
  const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  return {
    nativeId,
    accountId: reservation.OwnerId ?? '',
    regionId,
    zone: instance.Placement?.AvailabilityZone ?? null,
    // Nothing EC2's calls ask for: what shares capacity, so that batches can be parted by it.
    handle: { kind: `${instance.InstanceType ?? ''} in ${instance.Placement?.AvailabilityZone ?? regionId}` },
    name: tags.Name === undefined || tags.Name === '' ? nativeId : tags.Name,
    instanceType: instance.InstanceType ?? '',
    ...observedOf(instance),
    tags,
    launchedAt: instance.LaunchTime?.toISOString() ?? null,
    canStop: canStopOf(instance, tags, facts),
    hourlyPrice: null,
  };
}

/**
 * `Server.InsufficientInstanceCapacity: …` from the code and the message, which often repeats the
 * code; before that, the transition, which has the time of what a person did.
 */
function stateReasonOf({ StateReason, StateTransitionReason }: Instance): string | null {
  const { Code: code = '', Message: message = '' } = StateReason ?? {};
  if (code === '' && message === '') return StateTransitionReason === undefined || StateTransitionReason === '' ? null : StateTransitionReason;
  return message.startsWith(code) ? message : message === '' ? code : `${code}: ${message}`;
}

const ALLOWED: CanStop = { allowed: true };

/** Stop protection is in no listing: the stop itself tells it (`cannot-stop`). */
function canStopOf(instance: Instance, tags: Record<string, string>, facts: Ec2Facts): CanStop {
  const group = tags['aws:autoscaling:groupName'];
  if (group !== undefined) return refuse('scaling-group', `Auto Scaling group ${group} would replace it.`);
  const fleet = tags['aws:ec2:fleet-id'] ?? tags['aws:ec2spot:fleet-request-id'];
  if (fleet !== undefined) return refuse('scaling-group', `Fleet ${fleet} may replace it.`);
  if (instance.Operator?.Managed === true) {
    return refuse('scaling-group', `${instance.Operator.Principal ?? 'A service of AWS'} manages it and alone may stop it.`);
  }
  if (instance.InstanceLifecycle === 'spot') {
    const obstacle = facts.spotObstacle(instance.SpotInstanceRequestId);
    if (obstacle !== null) return refuse('one-time-spot', obstacle);
  }
  if (instance.RootDeviceType === 'instance-store') {
    return refuse('instance-store-root', 'Its root volume lies in the instance store: EC2 can only terminate it.');
  }
  return localDisks(instance.InstanceType ?? '', facts);
}

function localDisks(instanceType: string, facts: Ec2Facts): CanStop {
  const has = facts.hasLocalDisks(instanceType);
  if (has === false) return ALLOWED;
  return refuse(
    'local-ssd',
    has === null
      ? `Whether ${instanceType} has instance store volumes could not be read: ec2:DescribeInstanceTypes is missing.`
      : `${instanceType} has instance store volumes, which a stop empties.`,
  );
}

function refuse(reason: CannotStopReason, detail: string): CanStop {
  return { allowed: false, reason, detail };
}
