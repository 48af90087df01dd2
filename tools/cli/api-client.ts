import { z } from 'zod';
import { changedSchedule, held, instance, preview, run, runItem, schedule, simulation, type FirstPage, type Held, type Instance, type Preview, type Run, type RunItem, type Schedule, type Simulation } from './power-shapes.ts';

// The shapes are those of /openapi.json, as far as this client reads them; more fields may come.
const organization = z.object({ id: z.string(), name: z.string() });
const exportSettings = z.object({
  scheme: z.string(),
  bucket: z.string().nullish(),
  prefix: z.string().nullish(),
  name: z.string().nullish(),
  path: z.string().nullish(),
});
const dataSource = z.object({ id: z.string(), name: z.string(), cloud: z.string(), account_id: z.string(), export: exportSettings.nullish() });
const progress = z.object({
  files_done: z.number().optional(),
  files_total: z.number().optional(),
  rows: z.number().optional(),
  bytes: z.number().optional(),
  months: z.array(z.unknown()).optional(),
});
const errorRecord = z.object({ code: z.string(), message: z.string() });
const operation = z.object({
  id: z.string(),
  subject_id: z.string(),
  workflow_id: z.string(),
  state: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']),
  progress: progress.nullish(),
  result: z.object({ import_id: z.string().optional() }).nullish(),
  error: errorRecord.nullish(),
});
const billingImport = z.object({
  id: z.string(),
  data_source_id: z.string(),
  state: z.string(),
  months: z.array(z.object({ month: z.string() })),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  error: errorRecord.nullable(),
});
const importDetail = z.object({
  months: z.array(z.object({ month: z.string(), state: z.string() })),
  files: z.array(z.object({ rows: z.number(), taken: z.array(z.object({ currency: z.string(), billed_cost: z.string() })) })),
});
const costs = z.object({ currency: z.string(), cost: z.string(), previous_cost: z.string() });
const expenses = z.object({
  start: z.string(),
  end: z.string(),
  metric: z.string(),
  group_by: z.array(z.string()),
  totals: z.array(costs),
  groups: z.array(costs.extend({ keys: z.array(z.object({ value: z.string().nullable(), name: z.string().nullable() })) })),
  total: z.number(),
  displayed: z.number(),
});
const foundExport = z.object({ name: z.string().nullable(), prefix: z.string(), dialect: z.string() });
const calendar = z.object({ id: z.string(), provider: z.string(), calendar_id: z.string(), status: z.string() });
const problem = z.object({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  fields: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
  /** Of `data-sources.several-exports`. */
  details: z.object({ exports: z.array(foundExport).optional() }).optional(),
});

export type Organization = z.infer<typeof organization>;
export type DataSource = z.infer<typeof dataSource>;
export type Operation = z.infer<typeof operation>;
export type Calendar = z.infer<typeof calendar>;
export type BillingImport = z.infer<typeof billingImport>;

export type ImportDetail = z.infer<typeof importDetail>;
export type Expenses = z.infer<typeof expenses>;

export interface NewDataSource {
  name: string;
  initial_months?: number;
  /** None for a directory. */
  credentials?: Record<string, string>;
  export: Record<string, string>;
}

/** What the API refused, or why it could not be asked: for the person, without a stack. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
  }
}

/** The REST API as the command line uses it. Every call throws ApiError when it is refused or cannot be made. */
export class ApiClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** Whether the API listens on this machine, so that a directory named here is one there. */
  get isLocal(): boolean {
    return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(this.#url).hostname);
  }

  listOrganizations(): Promise<Organization[]> {
    return this.#all('/v1/organizations', organization);
  }

  async createOrganization(name: string): Promise<Organization> {
    return organization.parse((await this.#call('POST', '/v1/organizations', { name })).body);
  }

  listDataSources(organizationId: string): Promise<DataSource[]> {
    return this.#all(`/v1/organizations/${organizationId}/data-sources`, dataSource);
  }

  /** Connects an AWS root account. Answers the data source, or the operation to follow when the check takes longer. */
  createDataSource(organizationId: string, wish: NewDataSource): Promise<{ dataSource: DataSource } | { operation: Operation }> {
    return this.#connect(organizationId, { cloud: 'aws', kind: 'root', ...wish });
  }

  /** Connects the sandbox of that name. */
  connectSandbox(organizationId: string, wish: { name: string; account: string }): Promise<{ dataSource: DataSource } | { operation: Operation }> {
    return this.#connect(organizationId, { cloud: 'sandbox', ...wish });
  }

  async #connect(organizationId: string, wish: unknown): Promise<{ dataSource: DataSource } | { operation: Operation }> {
    const { status, body } = await this.#call('POST', `/v1/organizations/${organizationId}/data-sources`, wish);
    return status === 202 ? { operation: operation.parse(body) } : { dataSource: dataSource.parse(body) };
  }

  /** The calendar that mirrors the organization's bookings, if it has one. */
  listCalendars(organizationId: string): Promise<Calendar[]> {
    return this.#all(`/v1/organizations/${organizationId}/calendars`, calendar);
  }

  /** Connects a sandbox calendar. Answers null when the check takes longer: the operation is then the platform's to end. */
  async connectSandboxCalendar(organizationId: string, calendarId: string): Promise<Calendar | null> {
    const { status, body } = await this.#call('POST', `/v1/organizations/${organizationId}/calendars`, { provider: 'sandbox', calendar_id: calendarId });
    return status === 202 ? null : calendar.parse(body);
  }

  async getDataSource(id: string): Promise<DataSource> {
    return dataSource.parse((await this.#call('GET', `/v1/data-sources/${id}`)).body);
  }

  /** Asks for an import, of the given months (`YYYY-MM`) or of what changed; joins one that is already under way. */
  async startImport(dataSourceId: string, months: string[]): Promise<Operation> {
    return operation.parse((await this.#call('POST', `/v1/data-sources/${dataSourceId}:import`, months.length === 0 ? {} : { months })).body);
  }

  async getOperation(id: string): Promise<Operation> {
    return operation.parse((await this.#call('GET', `/v1/operations/${id}`)).body);
  }

  /** What an import did: its months, and what was read of each file. */
  async getImport(id: string): Promise<ImportDetail> {
    return importDetail.parse((await this.#call('GET', `/v1/billing-imports/${id}`)).body);
  }

  listImports(organizationId: string): Promise<BillingImport[]> {
    return this.#all(`/v1/organizations/${organizationId}/billing-imports`, billingImport);
  }

  /** The costs of a period, grouped; `query` as the API documents it, repeated names allowed. */
  async getExpenses(organizationId: string, query: [string, string][]): Promise<Expenses> {
    return expenses.parse((await this.#call('GET', `/v1/organizations/${organizationId}/expenses?${new URLSearchParams(query).toString()}`)).body);
  }

  /** Has the account looked into now. */
  async startDiscovery(dataSourceId: string): Promise<Operation> {
    return operation.parse((await this.#call('POST', `/v1/data-sources/${dataSourceId}:discover`)).body);
  }

  listSchedules(organizationId: string): Promise<Schedule[]> {
    return this.#all(`/v1/organizations/${organizationId}/power-schedules`, schedule);
  }

  async createSchedule(organizationId: string, wish: Record<string, unknown>): Promise<Schedule> {
    return changedSchedule.parse((await this.#call('POST', `/v1/organizations/${organizationId}/power-schedules`, wish)).body).power_schedule;
  }

  async previewSchedule(id: string, count: number): Promise<Preview> {
    return preview.parse((await this.#call('POST', `/v1/power-schedules/${id}:preview`, { count })).body);
  }

  /** What a schedule, or a change to it, comes to; also the answer whole. */
  async simulateSchedule(id: string, wish: { from: string; until: string; changes?: unknown }): Promise<{ answer: unknown; simulation: Simulation }> {
    const { body } = await this.#call('POST', `/v1/power-schedules/${id}:simulate`, wish);
    return { answer: body, simulation: simulation.parse(body) };
  }

  /** The first instances whose name or native id holds the text. */
  findInstances(organizationId: string, search: string): Promise<FirstPage<Instance>> {
    return this.#firstPage(`/v1/organizations/${organizationId}/instances?page_size=500&search=${encodeURIComponent(search)}`, instance);
  }

  async changePower(instanceId: string, verb: 'start' | 'stop' | 'hold' | 'release', body: { until?: string; reason?: string }): Promise<Held> {
    return held.parse((await this.#call('POST', `/v1/instances/${instanceId}:${verb}`, body)).body);
  }

  /** The newest runs. */
  listRuns(organizationId: string, count: number): Promise<FirstPage<Run>> {
    return this.#firstPage(`/v1/organizations/${organizationId}/power-runs?page_size=${count}`, run);
  }

  async getRun(id: string): Promise<Run> {
    return run.parse((await this.#call('GET', `/v1/power-runs/${encodeURIComponent(id)}`)).body);
  }

  listRunItems(id: string): Promise<RunItem[]> {
    return this.#all(`/v1/power-runs/${encodeURIComponent(id)}/items`, runItem);
  }

  async #firstPage<T>(path: string, item: z.ZodType<T>): Promise<FirstPage<T>> {
    return z.object({ items: z.array(item), total: z.number() }).parse((await this.#call('GET', path)).body);
  }

  async #all<T>(path: string, item: z.ZodType<T>): Promise<T[]> {
    const page = z.object({ items: z.array(item), next_page_token: z.string().nullish() });
    const items: T[] = [];
    for (let token: string | null | undefined = ''; token !== null && token !== undefined; ) {
      const { body } = await this.#call('GET', token === '' ? path : `${path}?page_token=${encodeURIComponent(token)}`);
      const found = page.parse(body);
      items.push(...found.items);
      token = found.next_page_token;
    }
    return items;
  }

  async #call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }) };
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    } catch (error) {
      throw new ApiError('unreachable', `${this.#url} does not answer. Start the platform (npm start), or give its address in ORRERY_URL.`, { cause: error });
    }
    const answer: unknown = await response.json().catch(() => undefined);
    if (answer === undefined) throw new ApiError('unexpected', `${this.#url} was answered with ${response.status} by something that is not Orrery. Check ORRERY_URL.`);
    if (response.ok) return { status: response.status, body: answer };
    const refused = problem.safeParse(answer);
    if (!refused.success) throw new ApiError('unexpected', `${method} ${path} was answered with ${response.status} and no explanation.`);
    // One wrong field is all that the detail speaks of; several are listed below it.
    const fields = (refused.data.fields ?? []).filter(({ problem: what }) => refused.data.detail?.includes(what) !== true).map((field) => `\n  ${field.field}: ${field.problem}`).join('');
    const exports = (refused.data.details?.exports ?? []).map(({ prefix, name, dialect }) => `\n  ${[prefix, name].filter(Boolean).join('/')} (${dialect})`).join('');
    throw new ApiError(refused.data.code, `${refused.data.detail ?? refused.data.title ?? refused.data.code} (${refused.data.code})${fields}${exports}`);
  }
}
