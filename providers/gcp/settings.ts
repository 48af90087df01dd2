/** How Google Cloud is reached. Given by whoever wires the process; nothing here reads the environment. */
export interface GcpSettings {
  /** Own endpoints for gateways and test peers; null means Google's. */
  endpoints: GcpServiceEndpoints;
  /** From a request's being sent until its whole answer is there. */
  requestTimeoutMs: number;
  /** Instances in a page of a listing, at most 500. */
  pageSize: number;
}

export interface GcpServiceEndpoints {
  /** An origin, in the place of `https://compute.googleapis.com`. */
  compute: string | null;
  /** A URL, in the place of `https://oauth2.googleapis.com/token`. */
  token: string | null;
}

/** Google's own endpoints, the largest pages it gives, and patience that suits them. */
export const GCP_DEFAULTS: GcpSettings = {
  endpoints: { compute: null, token: null },
  requestTimeoutMs: 30_000,
  pageSize: 500,
};
