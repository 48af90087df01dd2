import { createRandom } from './random.ts';
import type { Random } from './random.ts';

export interface Account {
  id: string;
  name: string;
  currency: string;
}

export interface Region {
  id: string;
  /** What AWS puts before a usage type: `EUC1-BoxUsage:m5.large`. */
  usagePrefix: string;
  location: string;
}

/** One thing a resource is metered for. */
export interface Meter {
  usageType: string;
  operation: string;
  unit: string;
  /** Price of one unit, in the account's currency. */
  rate: number;
  /** Units used in an hour; `steady` meters use exactly this, others vary around it. */
  hourly: number;
  steady: boolean;
  description: string;
  family: string;
}

export type Coverage = 'on-demand' | 'spot' | 'reservation' | 'savings-plan' | 'marketplace';

/** Something that costs: a cloud resource, or usage AWS reports without one (`resourceId` empty). */
export interface Chargeable {
  resourceId: string;
  account: Account;
  region: Region;
  zone: string;
  productCode: string;
  productName: string;
  serviceCode: string;
  instanceType: string;
  coverage: Coverage;
  /** Source keys as a legacy report names them, `user:Team`; absent keys are unset tags. */
  tags: Readonly<Record<string, string>>;
  costCategories: Readonly<Record<string, string>>;
  meters: readonly Meter[];
}

const ACCOUNTS = [
  ['012345678901', 'Acme (payer)'],
  ['076278350205', 'Acme production'],
  ['210987654321', 'Acme staging'],
  ['345678901234', 'Acme data'],
  ['000123456789', 'Acme "sandbox", shared'],
] as const;

/** Linked accounts, the payer first. The currencies are dealt out in turn, so the payer has the first one. */
export function accountsIn(currencies: readonly string[]): Account[] {
  return ACCOUNTS.map(([id, name], index) => ({ id, name, currency: currencies[index % currencies.length] ?? 'USD' }));
}

const REGIONS: readonly Region[] = [
  { id: 'eu-west-1', usagePrefix: 'EU-', location: 'EU (Ireland)' },
  { id: 'us-east-1', usagePrefix: '', location: 'US East (N. Virginia)' },
  { id: 'eu-central-1', usagePrefix: 'EUC1-', location: 'EU (Frankfurt)' },
  { id: 'ap-south-1', usagePrefix: 'APS3-', location: 'Asia Pacific (Mumbai)' },
];

const INSTANCE_TYPES = [
  ['t3.medium', 0.0456], ['m5.large', 0.107], ['m5.2xlarge', 0.428], ['c6i.xlarge', 0.1938],
  ['r6i.2xlarge', 0.6096], ['g5.xlarge', 1.123], ['p3.2xlarge', 3.305], ['c7g.large', 0.0776],
] as const;
const DATABASE_TYPES = [['db.t4g.medium', 0.071], ['db.r6g.large', 0.251], ['db.m6g.xlarge', 0.352]] as const;
const TEAMS = ['Platform', 'Search', 'Payments', 'Data Science', 'Growth', 'Mobile'] as const;
const ENVIRONMENTS = ['production', 'production', 'staging', 'development'] as const;

type Parts = Pick<Chargeable, 'resourceId' | 'productCode' | 'productName' | 'serviceCode' | 'meters'> &
  Partial<Pick<Chargeable, 'zone' | 'instanceType' | 'coverage'>>;

interface Place {
  random: Random;
  account: Account;
  region: Region;
}

function meter(
  usageType: string, operation: string, unit: string, rate: number, hourly: number, description: string, family: string,
): Meter {
  return { usageType, operation, unit, rate, hourly, steady: unit === 'Hrs' || unit === 'hours', description, family };
}

const arn = ({ account, region }: Place, service: string, rest: string): string =>
  `arn:aws:${service}:${region.id}:${account.id}:${rest}`;

function instance(place: Place): Parts {
  const { random, region } = place;
  const [type, rate] = random.pick(INSTANCE_TYPES);
  const coverage = random.pick<Coverage>(['on-demand', 'on-demand', 'savings-plan', 'savings-plan', 'reservation', 'spot']);
  const box = coverage === 'spot' ? 'SpotUsage' : 'BoxUsage';
  const price = coverage === 'spot' ? rate * 0.35 : rate;
  return {
    resourceId: `i-0${random.hex(16)}`, productCode: 'AmazonEC2', productName: 'Amazon Elastic Compute Cloud', serviceCode: 'AmazonEC2',
    zone: `${region.id}${random.pick(['a', 'b', 'c'])}`, instanceType: type, coverage,
    meters: [
      meter(`${region.usagePrefix}${box}:${type}`, 'RunInstances', 'Hrs', price, 1,
        `$${price.toFixed(4)} per ${coverage === 'spot' ? 'Spot' : 'On Demand'} Linux ${type} Instance Hour, ${region.location}`, 'Compute Instance'),
      meter(`${region.usagePrefix}DataTransfer-Out-Bytes`, 'RunInstances', 'GB', 0.09, 0.4,
        '$0.090 per GB - first 10 TB / month data transfer out, beyond the global free tier', 'Data Transfer'),
    ],
  };
}

function volume(place: Place): Parts {
  const { random, region } = place;
  const gigabytes = random.pick([20, 50, 100, 200, 500]);
  return {
    resourceId: `vol-0${random.hex(16)}`, productCode: 'AmazonEC2', productName: 'Amazon Elastic Compute Cloud', serviceCode: 'AmazonEC2',
    meters: [
      meter(`${region.usagePrefix}EBS:VolumeUsage.gp3`, 'CreateVolume-Gp3', 'GB-Mo', 0.088, gigabytes / 730,
        `$0.088 per GB-month of "General Purpose" (gp3) provisioned storage, ${region.location}`, 'Storage'),
    ],
  };
}

function bucket({ random, account, region }: Place): Parts {
  return {
    resourceId: `acme-${account.id}-${random.pick(['logs', 'assets', 'models', 'backups'])}-${random.hex(8)}`,
    productCode: 'AmazonS3', productName: 'Amazon Simple Storage Service', serviceCode: 'AmazonS3',
    meters: [
      meter(`${region.usagePrefix}TimedStorage-ByteHrs`, 'StandardStorage', 'GB-Mo', 0.0245, 0.9, '$0.0245 per GB - first 50 TB / month of storage used', 'Storage'),
      meter(`${region.usagePrefix}Requests-Tier1`, 'PutObject', 'Requests', 0.0000054, 900, '$0.0054 per 1,000 PUT, COPY, POST, or LIST requests', 'API Request'),
    ],
  };
}

function database(place: Place): Parts {
  const { random, region } = place;
  const [type, rate] = random.pick(DATABASE_TYPES);
  return {
    resourceId: arn(place, 'rds', `db:acme-${random.hex(8)}`), productCode: 'AmazonRDS', productName: 'Amazon Relational Database Service',
    serviceCode: 'AmazonRDS', instanceType: type, coverage: random.pick<Coverage>(['on-demand', 'reservation']),
    meters: [
      meter(`${region.usagePrefix}InstanceUsage:${type}`, 'CreateDBInstance:0014', 'Hrs', rate, 1, `$${rate} per ${type} Single-AZ instance hour (or partial hour) running PostgreSQL`, 'Database Instance'),
      meter(`${region.usagePrefix}RDS:GP3-Storage`, 'CreateDBInstance:0014', 'GB-Mo', 0.127, 0.14, '$0.127 per GB-month of provisioned gp3 storage running PostgreSQL', 'Database Storage'),
    ],
  };
}

function lambda(place: Place): Parts {
  const { random, region } = place;
  return {
    resourceId: arn(place, 'lambda', `function:acme-${random.hex(10)}`), productCode: 'AWSLambda', productName: 'AWS Lambda', serviceCode: 'AWSLambda',
    meters: [
      meter(`${region.usagePrefix}Lambda-GB-Second`, 'Invoke', 'Lambda-GB-Second', 0.0000166667, 38, 'AWS Lambda - Total Compute - "Tier-1", x86', 'Serverless'),
      meter(`${region.usagePrefix}Request`, 'Invoke', 'Requests', 0.0000002, 410, 'AWS Lambda - Total Requests', 'Serverless'),
    ],
  };
}

function natGateway(place: Place): Parts {
  const { random, region } = place;
  return {
    resourceId: arn(place, 'ec2', `natgateway/nat-0${random.hex(16)}`), productCode: 'AmazonEC2', productName: 'Amazon Elastic Compute Cloud', serviceCode: 'AmazonEC2',
    meters: [
      meter(`${region.usagePrefix}NatGateway-Hours`, 'NatGateway', 'Hrs', 0.048, 1, '$0.048 per NAT Gateway Hour', 'NAT Gateway'),
      meter(`${region.usagePrefix}NatGateway-Bytes`, 'NatGateway', 'GB', 0.048, 6.5, '$0.048 per GB Data Processed by NAT Gateways', 'NAT Gateway'),
    ],
  };
}

function key(place: Place): Parts {
  const { random, region } = place;
  const id = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`;
  return {
    resourceId: arn(place, 'kms', `key/${id}`), productCode: 'awskms', productName: 'AWS Key Management Service', serviceCode: 'awskms',
    meters: [meter(`${region.id}-KMS-Keys`, 'Unknown', 'Keys', 1, 1 / 730, '$1 per customer managed KMS key version, per month', 'Encryption Key')],
  };
}

function marketplaceProduct({ random, account }: Place): Parts {
  return {
    resourceId: `arn:aws:aws-marketplace:us-east-1:${account.id}:instance/${random.hex(12)}`,
    productCode: `4${random.hex(24)}`, productName: 'Example Observability, Pro', serviceCode: '', coverage: 'marketplace',
    meters: [meter('Global-SoftwareUsage', 'Hourly', 'Units', 0.021, 1, 'Software usage: "Pro" plan,\nbilled through AWS Marketplace', 'Software')],
  };
}

function transfer({ region }: Place): Parts {
  return {
    resourceId: '', productCode: 'AWSDataTransfer', productName: 'AWS Data Transfer', serviceCode: 'AWSDataTransfer',
    meters: [meter(`${region.usagePrefix}DataTransfer-Regional-Bytes`, 'InterZone-In', 'GB', 0.01, 21, '$0.010 per GB - regional data transfer - in/out/between AZs', 'Data Transfer')],
  };
}

/** How often each kind occurs, of 50 resources. */
const KINDS: readonly ((place: Place) => Parts)[] = [
  ...Array.from({ length: 15 }, () => instance), ...Array.from({ length: 11 }, () => volume), ...Array.from({ length: 7 }, () => bucket),
  ...Array.from({ length: 5 }, () => database), ...Array.from({ length: 6 }, () => lambda), ...Array.from({ length: 2 }, () => natGateway),
  ...Array.from({ length: 2 }, () => key), marketplaceProduct, transfer,
];

function tagsOf(random: Random, name: string): Record<string, string> {
  const roll = random.fraction();
  // A seventh of the resources carries no tag at all: that is what owners look for first.
  if (roll < 0.14) return {};
  const tags: Record<string, string> = { 'aws:createdBy': `IAMUser:AIDA${random.hex(8).toUpperCase()}:ci`, 'user:Env': random.pick(ENVIRONMENTS) };
  if (roll < 0.85) tags['user:Team'] = random.pick(TEAMS);
  if (roll < 0.6) tags['user:Name'] = roll < 0.05 ? `${name}, "blue"\nsecond line` : name;
  if (roll > 0.7) tags['user:CostCenter'] = `CC-${100 + random.below(40)}`;
  return tags;
}

/** `count` chargeables; the same seed gives the same ones, and the first of a longer list are those of a shorter. */
export function createCatalogue(seed: number, count: number, accounts: readonly Account[]): Chargeable[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const place: Place = { random, account: random.pick(accounts), region: random.pick(REGIONS) };
    const make = KINDS[index % KINDS.length] ?? instance;
    const parts = make(place);
    const tags = parts.resourceId === '' ? {} : tagsOf(random, `node-${index}`);
    const costCategories: Record<string, string> = { 'Charge type': parts.coverage === 'marketplace' ? 'Third party' : 'Cloud usage' };
    if (tags['user:Team'] !== undefined) costCategories['Unit'] = `${tags['user:Team']} unit`;
    return {
      zone: '', instanceType: '', coverage: 'on-demand' as const,
      ...parts, account: place.account, region: place.region, tags, costCategories,
    };
  });
}
