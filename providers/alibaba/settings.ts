/** How Alibaba Cloud is reached. Given by whoever wires the process; nothing here reads the environment. */
export interface AlibabaSettings {
  /** Own endpoints for gateways and test peers, as origins; null means Alibaba Cloud's, which differ by region. */
  endpoints: AlibabaServiceEndpoints;
  /** Until the connection stands. */
  connectTimeoutMs: number;
  /** From the request's being sent until the whole answer is there. */
  readTimeoutMs: number;
}

export interface AlibabaServiceEndpoints {
  ecs: string | null;
  sts: string | null;
}

/** Alibaba Cloud's own endpoints, and patience for calls around the world. */
export const ALIBABA_DEFAULTS: AlibabaSettings = {
  endpoints: { ecs: null, sts: null },
  connectTimeoutMs: 10_000,
  readTimeoutMs: 30_000,
};
