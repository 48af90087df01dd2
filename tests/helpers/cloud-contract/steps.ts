import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudAccount, DiscoveryStep, PowerCall } from '../../../domain/data-sources/cloud-ports.ts';
import { problemOf, type CloudProblem } from '../../../domain/data-sources/cloud-errors.ts';
import type { DiscoveredInstance, InstanceRef, InstanceState, ObservedInstance } from '../../../domain/resources/instance.ts';
import { DomainError } from '../../../domain/shared/errors.ts';
import { openAccount, type ContractFeature, type ContractWorld } from './world.ts';

/** What the test groups are given. */
export interface OpenWorld {
  title: string;
  shows(feature: ContractFeature): boolean;
  world(): ContractWorld;
}

export const never = new AbortController().signal;

/** Looks before a state that should come is given up. */
const LOOKS = 500;

let wishes = 0;

/** A request key nobody used before. */
export function newKey(): string {
  wishes += 1;
  return `contract-wish-${wishes}`;
}

export interface Listing {
  steps: DiscoveryStep[];
  instances: Map<string, DiscoveredInstance>;
  /** Scope of each instance, by native id. */
  scopes: Map<string, string>;
}

/** A whole discovery, and that it keeps its order: nothing of a scope after its end. */
export async function discover(account: CloudAccount): Promise<Listing> {
  const listing: Listing = { steps: [], instances: new Map(), scopes: new Map() };
  const ended = new Set<string>();
  for await (const step of account.catalog.discover(never)) {
    if (ended.has(step.scope)) throw new Error(`${step.kind} of ${step.scope} came after its end`);
    if (step.kind !== 'instances') ended.add(step.scope);
    listing.steps.push(step);
    for (const instance of step.kind === 'instances' ? step.instances : []) {
      if (listing.instances.has(instance.nativeId)) throw new Error(`${instance.nativeId} was listed twice`);
      listing.instances.set(instance.nativeId, instance);
      listing.scopes.set(instance.nativeId, step.scope);
    }
  }
  return listing;
}

/** What a listing says of an instance; fails when it is not in it. */
export function listed(listing: Listing, { nativeId }: InstanceRef): DiscoveredInstance {
  const found = listing.instances.get(nativeId);
  if (found === undefined) throw new Error(`${nativeId} is not in the listing`);
  return found;
}

/** The ref that discovery's answer makes, without anything the test knows otherwise. */
export function refOf({ nativeId, regionId, handle }: DiscoveredInstance): InstanceRef {
  return { nativeId, regionId, handle, discardLocalSsd: false };
}

/** One call for some instances. A refusal of the whole call becomes each one's refusal. */
export async function call(
  account: CloudAccount,
  action: 'start' | 'stop',
  refs: readonly InstanceRef[],
  key: string = newKey(),
): Promise<Map<string, PowerCall>> {
  try {
    const answers = await account.power[action](refs, key, never);
    const missing = refs.filter((ref) => !answers.has(ref.nativeId));
    if (missing.length > 0 || answers.size !== refs.length) throw new Error(`${action} answered ${answers.size} of ${refs.length}`);
    return answers;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return new Map(refs.map((ref) => [ref.nativeId, { accepted: false, error }]));
  }
}

export async function callOne(account: CloudAccount, action: 'start' | 'stop', ref: InstanceRef, key?: string): Promise<PowerCall> {
  return (await call(account, action, [ref], key)).get(ref.nativeId) as PowerCall;
}

export async function look(account: CloudAccount, ref: InstanceRef): Promise<ObservedInstance> {
  const seen = (await account.power.observe([ref], never)).get(ref.nativeId);
  if (seen === undefined) throw new Error(`${ref.nativeId} was not answered`);
  return seen;
}

/** Looks until the instance is in the state; fails with what was seen instead. */
export async function reach(world: ContractWorld, ref: InstanceRef, wanted: InstanceState): Promise<ObservedInstance> {
  const account = openAccount(world);
  const seen = new Set<string>();
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const observed = await look(account, ref);
    if (observed.state === wanted) return observed;
    seen.add(observed.state);
    await pass(world);
  }
  throw new Error(`${ref.nativeId} did not become ${wanted}; seen: ${[...seen].join(', ')}`);
}

export async function pass(world: ContractWorld): Promise<void> {
  await (world.pass?.() ?? sleep(10));
}

/** What a start comes to: the refusal of the call, or of the operation it began; null when neither refused. */
export async function refusalOf(world: ContractWorld, action: 'start' | 'stop', ref: InstanceRef): Promise<DomainError | null> {
  const account = openAccount(world);
  const answer = await callOne(account, action, ref);
  if (!answer.accepted) return answer.error;
  if (answer.operation === null) return null;
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const state = await account.power.followOperation(ref, answer.operation, never);
    if (state.done) return state.error;
    await pass(world);
  }
  throw new Error(`the operation of ${action} on ${ref.nativeId} did not end`);
}

/** The problem of a refusal in the common vocabulary; fails on anything else. */
export function problem(error: unknown): CloudProblem {
  if (!(error instanceof DomainError)) throw new Error('not a cloud error', { cause: error });
  const found = problemOf(error);
  if (found === null) throw new Error(`${error.code} is no cloud error: ${error.message}`, { cause: error });
  return found;
}

/** Actions that took effect on one instance. */
export async function effective(world: ContractWorld, ref: InstanceRef, action: 'start' | 'stop'): Promise<number> {
  const all = await world.effectiveActions();
  return all.filter((one) => one.nativeId === ref.nativeId && one.action === action).length;
}
