import type { InstanceRef } from '../../../../domain/resources/instance.ts';
import { gcpPermissions } from '../../../../domain/data-sources/gcp-permissions.ts';
import { nativeIdOf } from '../../../../providers/gcp/instances.ts';
import { createGcpProvider } from '../../../../providers/gcp/provider.ts';
import type { ContractInstanceKind, ContractOutcome, ContractWorld } from '../../cloud-contract.ts';
import { newPrivateKey } from './accounts.ts';
import type { Fault } from './compute-state.ts';
import { PROJECT, refIn, standInSettings, ZONES } from './opened.ts';
import { startComputeStandIn, type ComputeStandIn } from './stand-in.ts';

/** The contract's world on the stand-in. Its time goes on only when looked away: operations take two looks. */
export async function gcpWorld(): Promise<ContractWorld> {
  let now = Date.parse('2026-11-21T07:00:00.000Z');
  const peer = await startComputeStandIn({ project: PROJECT, zones: ZONES, now: () => now, operationMs: 2_000 });
  const settings = standInSettings(peer);
  const credentials = peer.accounts.create('orrery', gcpPermissions().document.includedPermissions);
  let accounts = 0;
  return {
    cloud: 'gcp',
    provider: createGcpProvider(settings),
    connection: { account: PROJECT },
    credentials,
    wrongCredentials: { ...credentials, private_key: newPrivateKey() },
    malformedCredentials: { ...credentials, private_key: credentials.private_key.replaceAll('\n', String.raw`\n`) },
    accountId: PROJECT,
    permissionText: gcpPermissions(),
    pageSize: settings.pageSize,
    make: ({ name, state, tags, kind = 'plain', elsewhere = false }) => {
      const zone = elsewhere ? ZONES[2] : ZONES[0];
      const status = state === 'running' ? 'RUNNING' : 'TERMINATED';
      return Promise.resolve(refIn(zone, peer.state.make({ name, zone, status, labels: tags ?? {}, more: moreOf(kind) })));
    },
    remove: ({ handle }) => Promise.resolve(peer.state.remove(String(handle.zone), String(handle.name))),
    arrange: (ref, outcome) => {
      faultsOf(peer, ref).push(FAULTS[outcome]);
      return Promise.resolve();
    },
    failScope: (scope) => {
      peer.unreachable.add(scope);
      return Promise.resolve();
    },
    withPermissions: (allowed) => {
      accounts += 1;
      return Promise.resolve(peer.accounts.create(`limited-${accounts}`, allowed, { privateKey: credentials.private_key }));
    },
    effectiveActions: () =>
      Promise.resolve(peer.state.effective.map(({ action, zone, id }) => ({ action, nativeId: nativeIdOf(PROJECT, zone, id) }))),
    recordedPermissions: () => Promise.resolve(peer.calls.map(({ permission }) => permission)),
    pass: () => {
      now += 1_000;
      return Promise.resolve();
    },
    end: () => peer.stop(),
  };
}

function faultsOf(peer: ComputeStandIn, { handle }: InstanceRef): Fault[] {
  const found = peer.state.find(String(handle.zone), String(handle.name));
  if (found === undefined) throw new Error(`there is no instance ${handle.name}`);
  return found.faults;
}

function moreOf(kind: ContractInstanceKind): Record<string, unknown> {
  if (kind === 'scaling-group') {
    return { metadata: { items: [{ key: 'created-by', value: 'projects/123456789012/zones/europe-west4-a/instanceGroupManagers/web' }] } };
  }
  return kind === 'local-ssd' ? { disks: [{ kind: 'compute#attachedDisk', type: 'SCRATCH', mode: 'READ_WRITE', interface: 'NVME' }] } : {};
}

/** Capacity and quota show only once the call is accepted, as at Google's. */
const FAULTS: Record<ContractOutcome, Fault> = {
  'no-capacity': {
    kind: 'operation-error',
    code: 'ZONE_RESOURCE_POOL_EXHAUSTED',
    message: `The zone 'projects/${PROJECT}/zones/europe-west4-a' does not have enough resources available to fulfill the request. Try a different zone, or try again later.`,
    httpStatus: 503,
  },
  'quota-exceeded': { kind: 'operation-error', code: 'QUOTA_EXCEEDED', message: "Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west4.", httpStatus: 403 },
  throttled: {
    kind: 'refusal',
    refusal: { status: 403, reason: 'rateLimitExceeded', message: "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'.", retryAfter: '7' },
  },
  unavailable: { kind: 'refusal', refusal: { status: 503, reason: 'backendError', message: 'Backend Error' } },
  'answer-lost': { kind: 'answer-lost' },
  'operation-fails': {
    kind: 'operation-error',
    code: 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS',
    message: "The zone does not have enough resources available to fulfill the request, '(resource type:compute)'.",
    httpStatus: 503,
  },
  'stuck-stopping': { kind: 'stuck' },
};
