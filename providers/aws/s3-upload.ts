import type { S3Client } from '@aws-sdk/client-s3';
import { createReadStream } from 'node:fs';
import { callAws } from './sdk-errors.ts';

export interface Upload {
  client: S3Client;
  bucket: string;
  key: string;
  path: string;
  sha256: string;
  sizeBytes: number;
  partBytes: number;
  signal: AbortSignal;
}

/** Uploads a local file, in one request or in parts. Until it has succeeded the object is not there. */
export async function uploadFile(upload: Upload): Promise<void> {
  await (upload.sizeBytes <= upload.partBytes ? putWhole(upload) : putInParts(upload));
}

async function putWhole({ client, bucket, key, path, sha256, sizeBytes, signal }: Upload): Promise<void> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: createReadStream(path),
    ContentLength: sizeBytes,
    // S3 refuses a body that does not have the digest it is named by.
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
  });
  await callAws(contextOf(bucket, key), signal, () => client.send(command, { abortSignal: signal }));
}

async function putInParts(upload: Upload): Promise<void> {
  const { client, bucket, key, signal } = upload;
  const { CreateMultipartUploadCommand, CompleteMultipartUploadCommand, AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const context = contextOf(bucket, key);
  const target = { Bucket: bucket, Key: key };
  const { UploadId } = await callAws(context, signal, () =>
    client.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32' }), { abortSignal: signal }),
  );
  try {
    const parts = await putParts(upload, UploadId);
    const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } });
    await callAws(context, signal, () => client.send(complete, { abortSignal: signal }));
  } catch (error) {
    // Parts of an unfinished upload are invisible but paid for. The upload's own failure is what counts.
    const abandoned = client.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    await Promise.allSettled([abandoned]);
    throw error;
  }
}

async function putParts({ client, bucket, key, path, sizeBytes, partBytes, signal }: Upload, uploadId: string | undefined) {
  const { UploadPartCommand } = await import('@aws-sdk/client-s3');
  const parts: { PartNumber: number; ETag?: string | undefined; ChecksumCRC32?: string | undefined }[] = [];
  for (let start = 0; start < sizeBytes; start += partBytes) {
    const length = Math.min(partBytes, sizeBytes - start);
    const PartNumber = parts.length + 1;
    const command = new UploadPartCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber,
      Body: createReadStream(path, { start, end: start + length - 1 }),
      ContentLength: length,
      ChecksumAlgorithm: 'CRC32',
    });
    const answer = await callAws(contextOf(bucket, key), signal, () => client.send(command, { abortSignal: signal }));
    parts.push({ PartNumber, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 });
  }
  return parts;
}

function contextOf(bucket: string, key: string) {
  return { action: 's3:PutObject', resource: `arn:aws:s3:::${bucket}/${key}`, bucket };
}
