import type { AlibabaKeyPair } from '../../../../domain/data-sources/cloud-credentials.ts';
import { alibabaPermissions } from '../../../../domain/data-sources/alibaba-permissions.ts';
import type { InstanceRef } from '../../../../domain/resources/instance.ts';
import { createAlibabaProvider } from '../../../../providers/alibaba/provider.ts';
import { ALIBABA_DEFAULTS, type AlibabaSettings } from '../../../../providers/alibaba/settings.ts';
import type { ContractFeature, ContractOutcome, ContractWorld, MakeInstance } from '../../cloud-contract.ts';
import type { Instance, InstanceSetUp } from './instances.ts';
import { refusal } from './refusals.ts';
import { startAlibabaStandIn, type InstanceFault } from './stand-in.ts';

export const ALIBABA_ACCOUNT = '1234567890123456';

/** What Alibaba Cloud itself does not have, so that its stand-in must not either. */
export const ALIBABA_LACKS: Partial<Record<ContractFeature, string>> = {
  'one-time-spot': 'Spot instances stop in economical mode and start again like others.',
  'instance-store-root': 'System disks are cloud disks.',
  'stop-protection': 'There is deletion protection, and none against stopping.',
  'operation-fails': 'There are no operations, and an instance that falls back does not tell why: see providers/alibaba/power.test.ts.',
};

const [HERE, ELSEWHERE] = ['cn-hangzhou', 'eu-central-1'] as const;
const PAGE_SIZE = 5;

/** The adapter's settings for a stand-in. */
export function settingsFor(url: string): AlibabaSettings {
  return { ...ALIBABA_DEFAULTS, endpoints: { ecs: url, sts: url } };
}

/** The ref of a stand-in's instance, as discovery would make it. */
export function refTo({ id, regionId }: Instance): InstanceRef {
  return { nativeId: id, regionId, handle: { regionId }, discardLocalSsd: false };
}

const FAULTS: Record<ContractOutcome, InstanceFault> = {
  'no-capacity': {
    kind: 'member-refused',
    code: 'OperationDenied.NoStock',
    message: 'The requested resource is sold out in the specified zone; try other types of resources or other regions and zones.',
  },
  'quota-exceeded': {
    kind: 'member-refused',
    code: 'QuotaExceed.ElasticQuota',
    message: 'No additional quota is available for the specified ECS instance type.',
  },
  throttled: {
    kind: 'refused',
    // The wait is told in milliseconds.
    refusal: { ...refusal(400, 'Throttling.User', 'Request was denied due to user flow control.'), headers: { 'x-acs-retry-after': '2500' } },
  },
  unavailable: { kind: 'refused', refusal: refusal(503, 'ServiceUnavailable', 'The request has failed due to a temporary failure of the server.') },
  'answer-lost': { kind: 'answer-lost' },
  'operation-fails': { kind: 'course', course: 'falls-back' },
  'stuck-stopping': { kind: 'course', course: 'hangs' },
};

export async function makeAlibabaWorld(): Promise<ContractWorld> {
  const standIn = await startAlibabaStandIn({ accountId: ALIBABA_ACCOUNT, regions: [HERE, ELSEWHERE], pageSize: PAGE_SIZE });
  const permissionText = alibabaPermissions(ALIBABA_ACCOUNT);
  const credentials = standIn.createUser({ name: 'orrery', allowed: permissionText.permissions.map(({ name }) => name) });
  let users = 0;
  return {
    cloud: 'alibaba',
    provider: createAlibabaProvider(settingsFor(standIn.url)),
    connection: { region: HERE },
    credentials,
    wrongCredentials: { ...credentials, access_key_secret: 'q0VNs3x8TbYp1mLw6ZrKc5UdJf2HgE' },
    malformedCredentials: { ...credentials, access_key_secret: 'two words' },
    accountId: ALIBABA_ACCOUNT,
    permissionText,
    pageSize: PAGE_SIZE,
    make: (options) => Promise.resolve(refTo(standIn.add(setUpOf(options)))),
    remove: ({ nativeId }) => Promise.resolve(void standIn.instances.delete(nativeId)),
    arrange: ({ nativeId }, outcome) => Promise.resolve(standIn.arrange(nativeId, FAULTS[outcome])),
    failScope: (scope) => {
      const broken = refusal(500, 'InternalError', 'The request processing has failed due to some unknown error.');
      return Promise.resolve(standIn.failNext('DescribeInstances', { kind: 'refused', refusal: broken }, ({ regionId }) => regionId === scope));
    },
    withPermissions: (allowed): Promise<AlibabaKeyPair> => {
      users += 1;
      return Promise.resolve(standIn.createUser({ name: `limited-${users}`, allowed }));
    },
    effectiveActions: () => Promise.resolve(standIn.effects),
    recordedPermissions: () =>
      // Whoever may sign may ask who they are.
      Promise.resolve(standIn.calls.map(({ permission }) => permission).filter((one) => one !== 'sts:GetCallerIdentity')),
    pass: () => Promise.resolve(standIn.advance(400)),
    end: () => standIn.stop(),
  };
}

function setUpOf({ name, state, tags = {}, kind = 'plain', elsewhere = false }: MakeInstance): InstanceSetUp {
  const setUp: InstanceSetUp = { name, tags, regionId: elsewhere ? ELSEWHERE : HERE, status: state === 'running' ? 'Running' : 'Stopped' };
  if (kind === 'scaling-group') return { ...setUp, tags: { ...tags, 'acs:autoscaling:scalingGroupId': 'asg-bp1d8uuut40f4qc4x1y2' } };
  // A subscription, as nothing else with local disks can be stopped free of charge.
  if (kind === 'local-ssd') return { ...setUp, instanceType: 'ecs.i4.large', localDisks: 1, chargeType: 'PrePaid' };
  return setUp;
}
