import type { S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LocalFile, RawStore } from '../../domain/billing/ports.ts';
import { objectErrors } from '../../domain/data-sources/object-errors.ts';
import { spoolToFile } from '../local/file-digest.ts';
import { documentPath, refuseMalformedDigest, refuseMalformedOrganization } from '../local/raw-names.ts';
import { createS3ExportObjects } from './s3-export-objects.ts';
import { uploadFile } from './s3-upload.ts';
import { callAws } from './sdk-errors.ts';

export interface S3RawStoreOptions {
  bucket: string;
  /** May be empty; without a slash at its end. */
  prefix: string;
  client: () => Promise<S3Client>;
  /** For files on their way in and out. */
  spoolDirectory: string;
  bodyIdleTimeoutMs: number;
  /** Files above this are uploaded in parts of this size. S3 takes 5 MiB to 5 GiB. */
  partBytes?: number;
}

const DEFAULT_PART_BYTES = 512 * 1024 * 1024;

/** A raw store in a bucket: `<prefix>/<organization>/sha256/ab/<digest>`. S3 shows an object only when it is complete. */
export function createS3RawStore(options: S3RawStoreOptions): RawStore {
  return new S3RawStore(options);
}

const never = new AbortController().signal;

class S3RawStore implements RawStore {
  readonly #options: S3RawStoreOptions;
  readonly #objects: ReturnType<typeof createS3ExportObjects>;
  #client: Promise<S3Client> | undefined;

  constructor(options: S3RawStoreOptions) {
    this.#options = options;
    this.#objects = createS3ExportObjects({
      bucket: options.bucket,
      client: () => this.#s3(),
      bodyIdleTimeoutMs: options.bodyIdleTimeoutMs,
    });
  }

  async put(organizationId: string, body: Readable, signal: AbortSignal): Promise<{ sha256: string; sizeBytes: number }> {
    refuseMalformedOrganization(organizationId);
    // The digest is the name, so the bytes have to be known before the upload begins.
    const draft = await this.#draft();
    try {
      const spooled = await spoolToFile(body, draft, signal);
      const key = this.#keyOf(organizationId, spooled.sha256);
      if (!(await this.#exists(key))) {
        const { bucket, partBytes = DEFAULT_PART_BYTES } = this.#options;
        await uploadFile({ client: await this.#s3(), bucket, key, path: draft, ...spooled, partBytes, signal });
      }
      return spooled;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async has(organizationId: string, sha256: string): Promise<boolean> {
    return this.#exists(this.#keyOf(organizationId, sha256));
  }

  async openFile(organizationId: string, sha256: string, signal: AbortSignal): Promise<LocalFile> {
    const key = this.#keyOf(organizationId, sha256);
    if (!(await this.#exists(key))) throw objectErrors.rawMissing(sha256);
    const path = await this.#draft();
    const release = (): Promise<void> => rm(path, { force: true });
    const spooled = await spoolToFile(await this.#objects.open(key, null, signal), path, signal);
    if (spooled.sha256 !== sha256) {
      await release();
      throw objectErrors.rawDamaged(sha256, spooled.sha256);
    }
    return { path, verified: Promise.resolve(), release };
  }

  async putDocument(organizationId: string, name: string, text: string): Promise<void> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const key = this.#documentKeyOf(organizationId, name);
    const client = await this.#s3();
    const command = new PutObjectCommand({ Bucket: this.#options.bucket, Key: key, Body: text });
    await callAws(this.#callOn('s3:PutObject', key), never, () => client.send(command));
  }

  async remove(organizationId: string, sha256: string): Promise<void> {
    await this.#delete(this.#keyOf(organizationId, sha256));
  }

  async removeDocument(organizationId: string, name: string): Promise<void> {
    await this.#delete(this.#documentKeyOf(organizationId, name));
  }

  async #delete(key: string): Promise<void> {
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#s3();
    const command = new DeleteObjectCommand({ Bucket: this.#options.bucket, Key: key });
    await callAws(this.#callOn('s3:DeleteObject', key), never, () => client.send(command));
  }

  async #exists(key: string): Promise<boolean> {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await this.#s3();
    const command = new HeadObjectCommand({ Bucket: this.#options.bucket, Key: key });
    return callAws(this.#callOn('s3:GetObject', key), never, async () => {
      try {
        await client.send(command);
        return true;
      } catch (error) {
        // HEAD has no body: a missing bucket looks the same here and is named by the write that follows.
        if (error instanceof Error && error.name === 'NotFound') return false;
        throw error;
      }
    });
  }

  #callOn(action: string, key: string) {
    return { action, resource: `arn:aws:s3:::${this.#options.bucket}/${key}`, bucket: this.#options.bucket };
  }

  #keyOf(organizationId: string, sha256: string): string {
    refuseMalformedOrganization(organizationId);
    refuseMalformedDigest(sha256);
    return this.#below(`${organizationId}/sha256/${sha256.slice(0, 2)}/${sha256}`);
  }

  #documentKeyOf(organizationId: string, name: string): string {
    refuseMalformedOrganization(organizationId);
    return this.#below(`${organizationId}/documents/${documentPath(name)}`);
  }

  #below(path: string): string {
    return this.#options.prefix === '' ? path : `${this.#options.prefix}/${path}`;
  }

  async #draft(): Promise<string> {
    await mkdir(this.#options.spoolDirectory, { recursive: true });
    return join(this.#options.spoolDirectory, `raw-${randomUUID()}`);
  }

  #s3(): Promise<S3Client> {
    this.#client ??= this.#options.client();
    return this.#client;
  }
}
