/** How AWS is reached. Given by whoever wires the process; nothing here reads the environment. */
export interface AwsSettings {
  /** Own endpoints for gateways and test peers; null means AWS's. An S3 endpoint of one's own is addressed by path. */
  endpoints: AwsServiceEndpoints;
  /** Until the connection stands. */
  connectTimeoutMs: number;
  /** Until the response's header is there; also the longest silence inside a body. */
  responseTimeoutMs: number;
}

export interface AwsServiceEndpoints {
  s3: string | null;
  sts: string | null;
  costAndUsageReport: string | null;
  dataExports: string | null;
  /** Of one's own: asked for every region, which the request's signature names. */
  ec2: string | null;
}

/** AWS's own endpoints and patience that suits them. */
export const AWS_DEFAULTS: AwsSettings = {
  endpoints: { s3: null, sts: null, costAndUsageReport: null, dataExports: null, ec2: null },
  connectTimeoutMs: 5_000,
  responseTimeoutMs: 30_000,
};

/** Both billing APIs live in one region of the commercial partition, wherever the bucket is. */
export const BILLING_API_REGION = 'us-east-1';
