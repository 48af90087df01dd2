import { IAMClient, CreateAccessKeyCommand, CreateRoleCommand, CreateUserCommand, PutRolePolicyCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutObjectCommand, S3Client, type BucketLocationConstraint } from '@aws-sdk/client-s3';
import type { AwsKeyPair } from '../../../domain/data-sources/aws-credentials.ts';
import type { PolicyDocument } from '../../../domain/data-sources/bucket-policy.ts';
import { AWS_DEFAULTS, type AwsSettings } from '../../../providers/aws/settings.ts';
import { MOTO_ACCOUNT, MOTO_SETUP_KEY } from './moto.ts';

/** What a test does to the account behind moto while nothing is enforced. */
export interface AwsAccount {
  /** A new user who may do what the policy says, or everything without one. */
  createUser(name: string, policy?: PolicyDocument): Promise<AwsKeyPair>;
  setUserPolicy(name: string, policy: PolicyDocument): Promise<void>;
  createRole(name: string, trust: object, policy: PolicyDocument): Promise<string>;
  createBucket(bucket: string, region?: string): Promise<void>;
  putObject(bucket: string, key: string, body: string | Uint8Array): Promise<void>;
  /** The administrator's client, for looking afterwards. */
  s3: S3Client;
}

export const EVERYTHING: PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

/** Settings that reach the peers, with time-outs that suit tests. */
export function peerSettings(endpoints: Partial<AwsSettings['endpoints']>): AwsSettings {
  return { endpoints: { ...AWS_DEFAULTS.endpoints, ...endpoints }, connectTimeoutMs: 2_000, responseTimeoutMs: 10_000 };
}

export function awsAccount(motoUrl: string): AwsAccount {
  const config = { endpoint: motoUrl, region: 'us-east-1', credentials: MOTO_SETUP_KEY };
  const iam = new IAMClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const setUserPolicy = async (UserName: string, policy: PolicyDocument): Promise<void> => {
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'test', PolicyDocument: JSON.stringify(policy) }));
  };
  return {
    s3,
    setUserPolicy,
    createUser: async (UserName, policy = EVERYTHING) => {
      await iam.send(new CreateUserCommand({ UserName }));
      await setUserPolicy(UserName, policy);
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
      return { kind: 'key-pair', access_key_id: AccessKey?.AccessKeyId ?? '', secret_access_key: AccessKey?.SecretAccessKey ?? '' };
    },
    createRole: async (RoleName, trust, policy) => {
      await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'test', PolicyDocument: JSON.stringify(policy) }));
      return `arn:aws:iam::${MOTO_ACCOUNT}:role/${RoleName}`;
    },
    createBucket: async (Bucket, region = 'us-east-1') => {
      const constraint = { LocationConstraint: region as BucketLocationConstraint };
      await s3.send(new CreateBucketCommand({ Bucket, ...(region !== 'us-east-1' && { CreateBucketConfiguration: constraint }) }));
    },
    putObject: async (Bucket, Key, Body) => {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body) }));
    },
  };
}
