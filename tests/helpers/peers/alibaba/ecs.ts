import { described, send, settle, statusOf, type Course, type Instance } from './instances.ts';
import type { Parameters } from './model.ts';
import { refusal, type Refusal } from './refusals.ts';

/** What the operations work on. */
export interface EcsState {
  regions: readonly string[];
  instances: Map<string, Instance>;
  /** The largest page, below what callers ask. */
  pageSize: number;
  transitionMs: number;
  /** How a batch in SuccessFirst takes an id nobody knows: the documentation shows it as that member's own failure. */
  unknownIds: 'member' | 'whole-batch';
  now(): number;
  /** What changed an instance's course, in order. */
  effects: { action: 'start' | 'stop'; nativeId: string }[];
  /** The refusal that waits for an instance, taken by the call that meets it. */
  takeMemberRefusal(nativeId: string): { code: string; message: string } | null;
  takeCourse(nativeId: string): Course;
}

export type Answer = { output: object } | Refusal;

export function perform(state: EcsState, action: string, parameters: Parameters): Answer {
  for (const instance of state.instances.values()) settle(instance, state.now());
  if (action === 'DescribeRegions') return describeRegions(state);
  if (!state.regions.includes(String(parameters.regionId))) {
    return refusal(404, 'InvalidRegionId.NotFound', 'The specified RegionId does not exist.');
  }
  if (action === 'DescribeInstances') return describeInstances(state, parameters);
  if (action === 'StartInstances') return changeAll(state, 'start', parameters);
  if (action === 'StopInstances') return changeAll(state, 'stop', parameters);
  throw new Error(`The stand-in does not do ${action}.`);
}

function describeRegions({ regions }: EcsState): Answer {
  const Region = regions.map((RegionId) => ({ RegionId, RegionEndpoint: `ecs.${RegionId}.aliyuncs.com`, LocalName: RegionId, Status: 'available' }));
  return { output: { Regions: { Region } } };
}

function describeInstances(state: EcsState, { regionId, instanceIds, maxResults, nextToken }: Parameters): Answer {
  const ids = instanceIds === undefined ? null : (JSON.parse(String(instanceIds)) as string[]);
  if (ids !== null && ids.length > 100) {
    return refusal(400, 'InvalidInstanceIds.Malformed', 'The amount of specified instance Ids exceeds the limit.');
  }
  const token = nextToken === undefined ? null : /^page-(\d+)-of-(.+)$/.exec(String(nextToken));
  if (nextToken !== undefined && token?.[2] !== regionId) return refusal(400, 'InvalidParameter.NextToken', 'The specified NextToken is invalid.');
  const start = Number(token?.[1] ?? 0);
  const end = start + Math.min(Math.max(Number(maxResults ?? 10), 10), 100, state.pageSize);
  const all = [...state.instances.values()].filter((one) => one.regionId === regionId && (ids === null || ids.includes(one.id)));
  return {
    output: {
      Instances: { Instance: all.slice(start, end).map(described) },
      NextToken: end < all.length ? `page-${end}-of-${String(regionId)}` : '',
      PageNumber: 0,
      PageSize: 0,
      TotalCount: all.length,
    },
  };
}

/** One member of a batch: what became of it, or would. */
interface Member {
  InstanceId: string;
  Code: string;
  Message: string;
  PreviousStatus: string;
  CurrentStatus: string;
}

function changeAll(state: EcsState, action: 'start' | 'stop', parameters: Parameters): Answer {
  const ids = (parameters.instanceId ?? []) as string[];
  const { batchOptimization = 'AllTogether', stoppedMode = 'KeepCharging' } = parameters;
  if (ids.length > 100) return refusal(403, 'InvalidParameter.TooManyInstanceIds', 'Instance ids cannot be more than 100.');
  if (!['AllTogether', 'SuccessFirst'].includes(String(batchOptimization))) return refusal(400, 'InvalidParameter.BatchOptimization', 'Not valid.');
  if (stoppedMode !== 'StopCharging' && stoppedMode !== 'KeepCharging') return refusal(400, 'InvalidParameter.StoppedMode', 'Not valid.');
  const known = (id: string): Instance | undefined => {
    const found = state.instances.get(id);
    return found?.regionId === parameters.regionId ? found : undefined;
  };
  if (state.unknownIds === 'whole-batch' && ids.some((id) => known(id) === undefined)) {
    return refusal(404, 'InvalidInstanceIds.NotFound', 'The specified InstanceIds does not exist.');
  }
  const refused = ids.map((id) => refusedMember(state, action, id, known(id)));
  const first = refused.find((member) => member !== null);
  if (batchOptimization === 'AllTogether' && first !== undefined && first !== null) return refusal(403, first.Code, first.Message);
  const members = ids.map((id, index) => refused[index] ?? changeOne(state, action, known(id) as Instance, stoppedMode));
  return { output: { InstanceResponses: { InstanceResponse: members } } };
}

function refusedMember(state: EcsState, action: 'start' | 'stop', id: string, instance: Instance | undefined): Member | null {
  if (instance === undefined) {
    return { InstanceId: id, Code: 'InvalidInstanceId.NotFound', Message: 'The specified InstanceId does not exist.', PreviousStatus: '', CurrentStatus: '' };
  }
  const status = statusOf(instance);
  const refuse = (code: string, message: string): Member => ({ InstanceId: id, Code: code, Message: message, PreviousStatus: status, CurrentStatus: status });
  if (instance.locks.includes('security')) {
    return refuse('InstanceLockedForSecurity', 'The specified operation is denied as your instance is locked for security reasons.');
  }
  if (instance.locks.includes('financial')) return refuse('InstanceExpiredOrInArrears', 'The specified instance is expired or in arrears.');
  if (status !== (action === 'start' ? 'Stopped' : 'Running')) {
    return refuse('IncorrectInstanceStatus', 'The current status of the resource does not support this operation.');
  }
  const arranged = state.takeMemberRefusal(id);
  return arranged === null ? null : refuse(arranged.code, arranged.message);
}

function changeOne(state: EcsState, action: 'start' | 'stop', instance: Instance, stoppedMode: 'StopCharging' | 'KeepCharging'): Member {
  const PreviousStatus = statusOf(instance);
  send(instance, action === 'start' ? 'Running' : 'Stopped', state.now() + state.transitionMs, state.takeCourse(instance.id));
  // Where economical mode is not offered, the wish for it is passed over in silence.
  if (action === 'stop') instance.stoppedMode = stoppedMode;
  state.effects.push({ action, nativeId: instance.id });
  return { InstanceId: instance.id, Code: '200', Message: 'success', PreviousStatus, CurrentStatus: statusOf(instance) };
}
