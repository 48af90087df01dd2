import { DomainError } from '../shared/errors.ts';

/** What discovery says of stopping an instance. */
export interface Stoppable {
  resourceId: string;
  name: string;
  canStop: boolean;
  cannotStopReason: string | null;
  cannotStopDetail: string | null;
}

const REMEDIES: Record<string, string> = {
  'scaling-group': 'Set the size of its scaling group instead.',
  'one-time-spot': 'Use a persistent spot request or an on-demand instance.',
  'instance-store-root': 'Move it to a network volume as root first.',
  'local-ssd': 'Set discard_local_ssd on the instance if its local disks may be emptied.',
  'stop-protection': 'Switch the protection off with its cloud first.',
};

/** Why an instance must not be stopped by us, or null. */
export function refusalOf(instance: Stoppable): DomainError | null {
  if (instance.canStop) return null;
  const reason = instance.cannotStopReason ?? 'unknown';
  // A sentence of its own where a cloud says it.
  const why = (instance.cannotStopDetail ?? reason).replace(/\.$/, '');
  return new DomainError({
    kind: 'conflict',
    code: 'power.cannot-stop',
    message: `${instance.name} cannot be stopped and started: ${why}. ${REMEDIES[reason] ?? ''}`.trim(),
    details: { resource_id: instance.resourceId, reason },
  });
}
