/** How Azure is reached. Given by whoever wires the process; nothing here reads the environment. */
export interface AzureSettings {
  /** Own endpoints for gateways and test peers; null means Azure's. Both speak HTTPS. */
  endpoints: AzureEndpoints;
  /** PEM of a certificate authority to trust instead of the system's; null means the system's. */
  certificateAuthority: string | null;
  /** Longest time one request may take, its answer read whole. */
  requestTimeoutMs: number;
}

export interface AzureEndpoints {
  /** Azure Resource Manager. */
  resourceManager: string | null;
  /** Microsoft Entra ID. */
  authority: string | null;
}

/** Azure's public cloud and patience that suits it. */
export const AZURE_DEFAULTS: AzureSettings = {
  endpoints: { resourceManager: null, authority: null },
  certificateAuthority: null,
  requestTimeoutMs: 30_000,
};
