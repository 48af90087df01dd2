/** JSON as it goes over the wire. That it fits what the SDK declares is checked where it is answered. */
export type InstanceJson = Record<string, unknown> & { id: string; name: string; status: string | undefined };
export type OperationJson = Record<string, unknown> & { name: string; status: 'RUNNING' | 'DONE' };

type Action = 'start' | 'stop';

/** What the next start or stop of an instance meets, once. */
export type Fault =
  | { kind: 'operation-error'; code: string; message: string; httpStatus: number }
  | { kind: 'refusal'; refusal: Refusal }
  /** It is done, and nobody hears of it. */
  | { kind: 'answer-lost' }
  /** The operation never ends. */
  | { kind: 'stuck' };

export interface Refusal {
  status: number;
  reason: string;
  message: string;
  retryAfter?: string;
  details?: object[];
}

export interface MakeInstanceOptions {
  name: string;
  zone: string;
  status?: string;
  labels?: Record<string, string>;
  machineType?: string;
  /** More of the instance, as the API shows it. */
  more?: Record<string, unknown>;
}

interface Stored {
  resource: InstanceJson;
  zone: string;
  faults: Fault[];
}

interface Wish {
  requestId: string | null;
  /** Null: not said. */
  discardLocalSsd: boolean | null;
}

interface StoredOperation {
  json: OperationJson;
  /** When it ends; null never. */
  dueAt: number | null;
  end: () => void;
}

const API = 'https://www.googleapis.com/compute/v1';

/** The instances and operations of one project. */
export class ComputeState {
  /** What changed an instance's course, in order. */
  readonly effective: { action: Action; zone: string; id: string }[] = [];
  /** How long an operation takes that begins from now on. */
  operationMs: number;
  readonly #project: string;
  readonly #now: () => number;
  readonly #instances = new Map<string, Stored>();
  readonly #operations = new Map<string, StoredOperation>();
  readonly #byRequest = new Map<string, StoredOperation>();
  #made = 0;

  constructor(project: string, now: () => number, operationMs: number) {
    this.#project = project;
    this.#now = now;
    this.operationMs = operationMs;
  }

  make({ name, zone, status = 'RUNNING', labels = {}, machineType = 'e2-standard-4', more = {} }: MakeInstanceOptions): InstanceJson {
    this.#made += 1;
    const zoneUrl = this.#zoneUrl(zone);
    const resource: InstanceJson = {
      kind: 'compute#instance',
      // Beyond what a double holds exactly.
      id: String(8_123_456_789_012_345_000n + BigInt(this.#made)),
      name,
      zone: zoneUrl,
      machineType: `${zoneUrl}/machineTypes/${machineType}`,
      status,
      labels,
      creationTimestamp: '2026-10-01T01:02:03.004-07:00',
      lastStartTimestamp: '2026-11-02T03:04:05.006-08:00',
      disks: [{ kind: 'compute#attachedDisk', type: 'PERSISTENT', mode: 'READ_WRITE', boot: true, index: 0, source: `${zoneUrl}/disks/${name}` }],
      scheduling: { onHostMaintenance: 'MIGRATE', automaticRestart: true, preemptible: false, provisioningModel: 'STANDARD' },
      deletionProtection: false,
      selfLink: `${zoneUrl}/instances/${name}`,
      ...more,
    };
    this.#instances.set(keyOf(zone, name), { resource, zone, faults: [] });
    return resource;
  }

  find(zone: string, name: string): Stored | undefined {
    return this.#instances.get(keyOf(zone, name));
  }

  all(): readonly Stored[] {
    return [...this.#instances.values()];
  }

  remove(zone: string, name: string): void {
    this.#instances.delete(keyOf(zone, name));
  }

  operation(zone: string, name: string): OperationJson | undefined {
    return this.#operations.get(keyOf(zone, name))?.json;
  }

  /** Google forgets finished operations after a while. */
  forgetOperations(): void {
    for (const [key, { json }] of this.#operations) if (json.status === 'DONE') this.#operations.delete(key);
  }

  /** Lets everything happen that is due. */
  settle(): void {
    for (const { json, dueAt, end } of this.#operations.values()) if (json.status !== 'DONE' && dueAt !== null && dueAt <= this.#now()) end();
  }

  /** Begins to start or stop one; a repeated request id gets the operation of the first. */
  change(action: Action, zone: string, name: string, wish: Wish): Refusal | { operation: OperationJson; isLost: boolean } {
    const stored = this.find(zone, name);
    if (stored === undefined) return notFound(this.#project, `zones/${zone}/instances/${name}`);
    const known = wish.requestId === null ? undefined : this.#byRequest.get(wish.requestId);
    if (known !== undefined) return { operation: known.json, isLost: false };
    const refusal = refusalOf(action, stored.resource, wish.discardLocalSsd);
    if (refusal !== null) return refusal;
    const fault = stored.faults.shift();
    if (fault?.kind === 'refusal') return fault.refusal;
    const operation = this.#begin(action, stored, fault);
    if (wish.requestId !== null) this.#byRequest.set(wish.requestId, operation);
    return { operation: operation.json, isLost: fault?.kind === 'answer-lost' };
  }

  /** Sends an instance on its way, or lets it be where it is wanted to be already. */
  #begin(action: Action, stored: Stored, fault: Fault | undefined): StoredOperation {
    const { resource } = stored;
    const [from, by, to] = action === 'start' ? ['TERMINATED', 'STAGING', 'RUNNING'] : ['RUNNING', 'STOPPING', 'TERMINATED'];
    if (resource.status !== from) return this.#operationOf(action, stored, this.#now(), () => undefined);
    resource.status = by;
    const error = fault?.kind === 'operation-error' ? fault : null;
    if (error === null) this.effective.push({ action, zone: stored.zone, id: resource.id });
    return this.#operationOf(action, stored, fault?.kind === 'stuck' ? null : this.#now() + this.operationMs, (json) => {
      resource.status = error === null ? to : from;
      if (error !== null) Object.assign(json, failureOf(error));
      else resource[action === 'start' ? 'lastStartTimestamp' : 'lastStopTimestamp'] = this.#time();
    });
  }

  #operationOf(action: Action, { resource, zone }: Stored, dueAt: number | null, end: (json: OperationJson) => void): StoredOperation {
    this.#made += 1;
    const name = `operation-${this.#made}-${resource.id}`;
    const zoneUrl = this.#zoneUrl(zone);
    const json: OperationJson = {
      kind: 'compute#operation',
      id: String(7_000_000_000_000_000_000n + BigInt(this.#made)),
      name,
      zone: zoneUrl,
      operationType: action,
      targetLink: `${zoneUrl}/instances/${resource.name}`,
      targetId: resource.id,
      status: 'RUNNING',
      user: 'somebody@example.com',
      progress: 0,
      insertTime: this.#time(),
      startTime: this.#time(),
      selfLink: `${zoneUrl}/operations/${name}`,
    };
    const finish = (): void => {
      Object.assign(json, { status: 'DONE', progress: 100, endTime: this.#time() });
      end(json);
    };
    const operation = { json, dueAt, end: finish };
    this.#operations.set(keyOf(zone, name), operation);
    return operation;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }

  #zoneUrl(zone: string): string {
    return `${API}/projects/${this.#project}/zones/${zone}`;
  }
}

function keyOf(zone: string, name: string): string {
  return `${zone}/${name}`;
}

function failureOf({ code, message, httpStatus }: Extract<Fault, { kind: 'operation-error' }>): object {
  return { error: { errors: [{ code, message }] }, httpErrorStatusCode: httpStatus, httpErrorMessage: httpStatus === 503 ? 'SERVICE UNAVAILABLE' : 'FORBIDDEN' };
}

function refusalOf(action: Action, { name, status, disks }: InstanceJson, discardLocalSsd: boolean | null): Refusal | null {
  if (status === 'STOPPING' || status === 'SUSPENDING' || (status === 'STAGING' && action === 'stop')) {
    return { status: 400, reason: 'resourceNotReady', message: `The resource '${name}' is not ready` };
  }
  if (action === 'start' && status === 'SUSPENDED') {
    return { status: 400, reason: 'badRequest', message: `Instance '${name}' cannot be started in its present state.` };
  }
  const hasScratch = ((disks ?? []) as { type?: string }[]).some(({ type }) => type === 'SCRATCH');
  if (action === 'stop' && hasScratch && discardLocalSsd === null) {
    const message = 'VM has a Local SSD attached but an undefined value for `discard-local-ssd`. If using gcloud, please add `--discard-local-ssd=false` or `--discard-local-ssd=true` to your command.';
    return { status: 400, reason: 'badRequest', message };
  }
  return null;
}

export function notFound(project: string, path: string): Refusal {
  return { status: 404, reason: 'notFound', message: `The resource 'projects/${project}${path === '' ? '' : `/${path}`}' was not found` };
}
