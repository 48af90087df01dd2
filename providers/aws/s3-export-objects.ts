import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import type { ExportObject, ExportObjects } from '../../domain/billing/ports.ts';
import { objectErrors } from '../../domain/data-sources/object-errors.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { toInstant } from '../../domain/shared/time.ts';
import { callAws, type AwsCallContext } from './sdk-errors.ts';
import { verifiedBody } from './verified-body.ts';

export interface S3ExportOptions {
  bucket: string;
  /** Called once, by the first use. */
  client: () => Promise<S3Client>;
  /** Longest silence inside a body before it counts as broken. */
  bodyIdleTimeoutMs: number;
}

/** The objects of one bucket. Keys and etags are S3's, verbatim (etags keep their quotes). */
export function createS3ExportObjects(options: S3ExportOptions): ExportObjects {
  return new S3ExportObjects(options);
}

// Listing and HEAD end by the client's own time-outs.
const never = new AbortController().signal;

class S3ExportObjects implements ExportObjects {
  readonly #options: S3ExportOptions;
  #client: Promise<S3Client> | undefined;

  constructor(options: S3ExportOptions) {
    this.#options = options;
  }

  async *list(prefix: string): AsyncIterable<ExportObject> {
    const { bucket } = this.#options;
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const client = await this.#s3();
    const context = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}`, bucket };
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token });
      const page = await callAws(context, never, () => client.send(command));
      for (const found of page.Contents ?? []) yield toExportObject(found.Key, found.Size, found.ETag, found.LastModified);
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      if (page.IsTruncated === true && token === undefined) throw incomplete(`a page of ${bucket}/${prefix} without its continuation token`);
    } while (token !== undefined);
  }

  async head(key: string): Promise<ExportObject> {
    const { bucket } = this.#options;
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#s3();
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
    const answer = await this.#callOn(key, never, () => client.send(command));
    return toExportObject(key, answer.ContentLength, answer.ETag, answer.LastModified);
  }

  async readAll(key: string, limitBytes: number): Promise<{ bytes: Buffer; etag: string }> {
    const answer = await this.#get(key, null, never);
    const body = this.#bodyOf(key, answer, never);
    const size = answer.ContentLength ?? 0;
    if (size > limitBytes) {
      body.destroy();
      throw objectErrors.tooLarge(key, size, limitBytes);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    return { bytes: Buffer.concat(chunks), etag: answer.ETag ?? '' };
  }

  async open(key: string, ifMatch: string | null, signal: AbortSignal): Promise<Readable> {
    signal.throwIfAborted();
    return this.#bodyOf(key, await this.#get(key, ifMatch, signal), signal);
  }

  async #get(key: string, ifMatch: string | null, signal: AbortSignal): Promise<GetObjectCommandOutput> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#s3();
    const command = new GetObjectCommand({
      Bucket: this.#options.bucket,
      Key: key,
      // The SDK then checks the body against S3's full-object checksum where there is one.
      ChecksumMode: 'ENABLED',
      ...(ifMatch !== null && { IfMatch: ifMatch }),
    });
    return this.#callOn(key, signal, () => client.send(command, { abortSignal: signal }));
  }

  #bodyOf(key: string, answer: GetObjectCommandOutput, signal: AbortSignal): Readable {
    if (!(answer.Body instanceof Readable) || answer.ContentLength === undefined) throw incomplete(`${key} without a body or a length`);
    return verifiedBody({
      key,
      body: answer.Body,
      expectedBytes: answer.ContentLength,
      idleTimeoutMs: this.#options.bodyIdleTimeoutMs,
      signal,
    });
  }

  /** Object calls: 404 and 412 are about the object, everything else about access. */
  async #callOn<T>(key: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const { bucket } = this.#options;
    const context: AwsCallContext = { action: 's3:GetObject', resource: `arn:aws:s3:::${bucket}/${key}`, bucket };
    return callAws(context, signal, async () => {
      try {
        return await run();
      } catch (error) {
        const status = httpStatusOf(error);
        if (status === 412) throw objectErrors.changed(key);
        if (status === 404 && !(error instanceof Error && error.name === 'NoSuchBucket')) throw objectErrors.missing(key);
        throw error;
      }
    });
  }

  #s3(): Promise<S3Client> {
    this.#client ??= this.#options.client();
    return this.#client;
  }
}

function toExportObject(
  key: string | undefined,
  sizeBytes: number | undefined,
  etag: string | undefined,
  lastModified: Date | undefined,
): ExportObject {
  if (key === undefined || sizeBytes === undefined || etag === undefined || lastModified === undefined) {
    throw incomplete(`the object ${key ?? ''} without size, etag or time`);
  }
  return { key, sizeBytes, etag, lastModified: toInstant(lastModified) };
}

function incomplete(what: string): DomainError {
  return new DomainError({
    kind: 'unavailable',
    code: 'aws.incomplete-answer',
    message: `S3 answered with ${what}. It is tried again; if it persists, look at what stands between the worker and S3.`,
  });
}

function httpStatusOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode : undefined;
}
