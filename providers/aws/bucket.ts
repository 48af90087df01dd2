import type { BucketLocationConstraint, S3Client } from '@aws-sdk/client-s3';
import { withStatements, type PolicyStatement } from '../../domain/data-sources/bucket-policy.ts';
import { callAws, type AwsCallContext } from './sdk-errors.ts';

export interface BucketState {
  isNew: boolean;
  region: string;
}

/** The region of a bucket, or null when there is none by that name. Forbidden is an error: it exists but is not ours. */
export async function findBucket(client: S3Client, bucket: string, givenRegion: string, signal: AbortSignal): Promise<string | null> {
  const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
  return callAws(contextOf('s3:ListBucket', bucket), signal, async () => {
    try {
      const answer = await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
      return answer.BucketRegion ?? givenRegion;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const fields = error as { $metadata?: { httpStatusCode?: number }; $response?: { headers?: Record<string, string> } };
      const elsewhere = fields.$response?.headers?.['x-amz-bucket-region'];
      if (fields.$metadata?.httpStatusCode === 301 && elsewhere !== undefined) return elsewhere;
      if (fields.$metadata?.httpStatusCode === 404) return null;
      throw error;
    }
  });
}

/** Creates a bucket. One that this account made meanwhile is a success: an earlier attempt may have got this far. */
export async function createBucket(client: S3Client, bucket: string, region: string, signal: AbortSignal): Promise<void> {
  const { CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const command = new CreateBucketCommand({
    Bucket: bucket,
    // S3 refuses its first region as a constraint.
    ...(region !== 'us-east-1' && { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }),
  });
  await callAws(contextOf('s3:CreateBucket', bucket), signal, async () => {
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw error;
    }
  });
}

/** Lets AWS deliver into the bucket, keeping every statement that is there. */
export async function allowDelivery(client: S3Client, bucket: string, statements: PolicyStatement[], signal: AbortSignal): Promise<void> {
  const { PutBucketPolicyCommand } = await import('@aws-sdk/client-s3');
  const policy = withStatements(await readPolicy(client, bucket, signal), statements);
  if (policy === null) return;
  const command = new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy });
  await callAws(contextOf('s3:PutBucketPolicy', bucket), signal, () => client.send(command, { abortSignal: signal }));
}

async function readPolicy(client: S3Client, bucket: string, signal: AbortSignal): Promise<string | null> {
  const { GetBucketPolicyCommand } = await import('@aws-sdk/client-s3');
  return callAws(contextOf('s3:GetBucketPolicy', bucket), signal, async () => {
    try {
      const answer = await client.send(new GetBucketPolicyCommand({ Bucket: bucket }), { abortSignal: signal });
      return answer.Policy ?? null;
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchBucketPolicy') return null;
      throw error;
    }
  });
}

function contextOf(action: string, bucket: string): AwsCallContext {
  return { action, resource: `arn:aws:s3:::${bucket}`, bucket };
}
