/** How an instance is set up. */
export interface InstanceSetUp {
  regionId: string;
  name: string;
  status: 'Running' | 'Stopped';
  tags?: Record<string, string>;
  instanceType?: string;
  chargeType?: 'PostPaid' | 'PrePaid';
  networkType?: 'vpc' | 'classic';
  spotStrategy?: 'NoSpot' | 'SpotAsPriceGo' | 'SpotWithPriceLimit';
  /** Number of its local disks. Default 0. */
  localDisks?: number;
  deletionProtection?: boolean;
  /** Reasons of its locks: `financial`, `security`, `Recycling`. */
  locks?: string[];
  /** Of one that is stopped to begin with. Default StopCharging where that is offered. */
  stoppedMode?: 'StopCharging' | 'KeepCharging';
}

/** How an instance takes its next change of state. */
export type Course = 'reaches' | 'hangs' | 'falls-back';

/** An instance as the stand-in keeps it. Times are the stand-in's, in milliseconds. */
export interface Instance extends Required<InstanceSetUp> {
  id: string;
  createdAt: number;
  startedAt: number;
  status: 'Running' | 'Stopped';
  /** On its way to another status, which it reaches at `at`; Infinity when it hangs. */
  move: { to: 'Running' | 'Stopped'; through: 'Starting' | 'Stopping'; at: number } | null;
}

export function newInstance(id: string, setUp: InstanceSetUp, at: number): Instance {
  return {
    id,
    createdAt: at,
    startedAt: at,
    move: null,
    tags: {},
    instanceType: 'ecs.g7.large',
    chargeType: 'PostPaid',
    networkType: 'vpc',
    spotStrategy: 'NoSpot',
    localDisks: 0,
    deletionProtection: false,
    locks: [],
    stoppedMode: 'StopCharging',
    ...setUp,
  };
}

/** Lets the instance arrive where it was going by now. */
export function settle(instance: Instance, at: number): void {
  if (instance.move === null || at < instance.move.at) return;
  instance.status = instance.move.to;
  if (instance.move.to === 'Running') instance.startedAt = instance.move.at;
  instance.move = null;
}

export function statusOf(instance: Instance): string {
  return instance.move?.through ?? instance.status;
}

/** Sends it to another status. */
export function send(instance: Instance, to: 'Running' | 'Stopped', arrivesAt: number, course: Course): void {
  instance.move = {
    to: course === 'falls-back' ? instance.status : to,
    through: to === 'Running' ? 'Starting' : 'Stopping',
    at: course === 'hangs' ? Infinity : arrivesAt,
  };
}

/** Economical mode is for pay-as-you-go, in a VPC, without local disks. */
function hasEconomicalMode({ chargeType, networkType, localDisks }: Instance): boolean {
  return chargeType === 'PostPaid' && networkType === 'vpc' && localDisks === 0;
}

/** The instance as DescribeInstances shows it, in the form of the documentation's sample answers. */
export function described(instance: Instance): object {
  const status = statusOf(instance);
  const family = instance.instanceType.slice(0, instance.instanceType.lastIndexOf('.'));
  const tags = Object.entries(instance.tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
  return {
    InstanceId: instance.id,
    InstanceName: instance.name,
    RegionId: instance.regionId,
    ZoneId: `${instance.regionId}-h`,
    Status: status,
    StoppedMode: status === 'Stopped' && hasEconomicalMode(instance) ? instance.stoppedMode : 'Not-applicable',
    InstanceType: instance.instanceType,
    InstanceTypeFamily: family,
    InstanceChargeType: instance.chargeType,
    InstanceNetworkType: instance.networkType,
    SpotStrategy: instance.spotStrategy,
    SpotPriceLimit: 0,
    DeletionProtection: instance.deletionProtection,
    CreationTime: minuteOf(instance.createdAt),
    StartTime: status === 'Stopped' ? '' : minuteOf(instance.startedAt),
    ExpiredTime: '2099-12-31T15:59Z',
    AutoReleaseTime: '',
    Cpu: 2,
    Memory: 8192,
    GPUAmount: 0,
    GPUSpec: '',
    OSType: 'linux',
    IoOptimized: true,
    Recyclable: instance.locks.includes('Recycling'),
    ...(instance.localDisks > 0 && { LocalStorageAmount: instance.localDisks, LocalStorageCapacity: instance.localDisks * 894 }),
    OperationLocks: { LockReason: instance.locks.map((LockReason) => ({ LockReason, LockMsg: '' })) },
    SecurityGroupIds: { SecurityGroupId: ['sg-bp15ed6xe1yxeycg7o1f'] },
    PublicIpAddress: { IpAddress: [] },
    VpcAttributes: { NatIpAddress: '', PrivateIpAddress: { IpAddress: ['10.0.0.7'] }, VSwitchId: 'vsw-bp67acfmxazb4ph1', VpcId: 'vpc-bp67acfmxazb4ph1' },
    // Without tags there is no such member.
    ...(tags.length > 0 && { Tags: { Tag: tags } }),
  };
}

/** ECS writes times without seconds. */
function minuteOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}
