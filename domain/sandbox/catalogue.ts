/** Where sandbox instances live. A region's zones are its id with a letter. */
export const SANDBOX_REGIONS = ['sandbox-eu-1', 'sandbox-us-1', 'sandbox-ap-1'] as const;
export type SandboxRegion = (typeof SANDBOX_REGIONS)[number];

const ZONES_A_REGION = ['a', 'b', 'c'] as const;

export function zonesOf(region: string): string[] {
  return ZONES_A_REGION.map((letter) => `${region}${letter}`);
}

export interface SandboxInstanceType {
  vcpus: number;
  memoryGib: number;
  /** List price in USD, exact decimal text. In the range that large clouds ask for such a size. */
  hourlyPrice: string;
}

export const SANDBOX_INSTANCE_TYPES = {
  'general.small': { vcpus: 2, memoryGib: 4, hourlyPrice: '0.0416' },
  'general.medium': { vcpus: 2, memoryGib: 8, hourlyPrice: '0.096' },
  'general.large': { vcpus: 4, memoryGib: 16, hourlyPrice: '0.192' },
  'general.xlarge': { vcpus: 8, memoryGib: 32, hourlyPrice: '0.384' },
  'general.2xlarge': { vcpus: 16, memoryGib: 64, hourlyPrice: '0.768' },
  'compute.large': { vcpus: 4, memoryGib: 8, hourlyPrice: '0.17' },
  'compute.2xlarge': { vcpus: 16, memoryGib: 32, hourlyPrice: '0.68' },
  'memory.large': { vcpus: 4, memoryGib: 32, hourlyPrice: '0.252' },
  'memory.2xlarge': { vcpus: 16, memoryGib: 128, hourlyPrice: '1.008' },
  'storage.xlarge': { vcpus: 8, memoryGib: 64, hourlyPrice: '0.624' },
  'gpu.small': { vcpus: 4, memoryGib: 16, hourlyPrice: '0.752' },
  'gpu.medium': { vcpus: 16, memoryGib: 64, hourlyPrice: '1.624' },
  'gpu.large': { vcpus: 96, memoryGib: 1152, hourlyPrice: '32.7726' },
} as const satisfies Record<string, SandboxInstanceType>;
export type SandboxInstanceTypeName = keyof typeof SANDBOX_INSTANCE_TYPES;

export const SANDBOX_INSTANCE_TYPE_NAMES = Object.keys(SANDBOX_INSTANCE_TYPES) as SandboxInstanceTypeName[];

/** What all prices are in. */
export const SANDBOX_CURRENCY = 'USD';
