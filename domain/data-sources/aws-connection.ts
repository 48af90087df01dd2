import type { BillDialect } from '../billing/ports.ts';
import { invalidField } from '../shared/errors.ts';

/** An export that exists already is found by the billing API. Null fields match any; several matches are refused. */
export interface AdoptExport {
  scheme: 'adopt';
  dialect: BillDialect | null;
  name: string | null;
  bucket: string | null;
}

/** Bucket and export are made; a bucket of the caller's that exists is used as it is. */
export interface CreateExport {
  scheme: 'create';
  dialect: BillDialect;
  name: string;
  bucket: string;
  /** Neither AWS API takes an empty one. */
  prefix: string;
  /** Of the bucket, when it has to be created. */
  region: string;
}

/** Only the bucket is read; no billing API is called. */
export interface BucketOnlyExport {
  scheme: 'bucket-only';
  /** Null: told from the keys found. */
  dialect: BillDialect | null;
  /** Report or export name; null when whatever lies below the prefix is meant. */
  name: string | null;
  bucket: string;
  /** Verbatim; may be empty. */
  prefix: string;
  /** Null: asked of S3. */
  region: string | null;
}

/** A directory of the same layout as the bucket, below one of the roots the operator allows. */
export interface DirectoryExport {
  scheme: 'directory';
  dialect: BillDialect | null;
  name: string | null;
  path: string;
  /** Key prefix below the directory; may be empty. */
  prefix: string;
}

export type AwsExportRequest = AdoptExport | CreateExport | BucketOnlyExport | DirectoryExport;

/** A root account brings the bill; a linked account is known by its keys alone, its costs come with the root's bill. */
export type AwsConnectionRequest = { kind: 'root'; export: AwsExportRequest } | { kind: 'linked' };

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const BUCKET = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;
// Both APIs take these and no more than 128 (Data Exports model; legacy: letters, digits, ! - _ . * ' ( )).
const EXPORT_NAME = /^[0-9A-Za-z_-]{1,128}$/;
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/** Refuses a request whose form alone is wrong, by field, before anything is called. */
export function refuseMalformedRequest(request: AwsConnectionRequest): void {
  if (request.kind === 'linked') return;
  const wanted = request.export;
  if (wanted.scheme === 'directory') {
    if (wanted.path === '') throw invalidField('data-sources.malformed', 'export.path', 'is empty: give an absolute directory.');
    return;
  }
  if (wanted.bucket !== null && !isBucketName(wanted.bucket)) {
    throw invalidField(
      'data-sources.malformed',
      'export.bucket',
      'must be 3 to 63 lower-case letters, digits, dots and hyphens, without s3:// and without a prefix.',
    );
  }
  if (wanted.scheme !== 'adopt' && wanted.region !== null && !REGION.test(wanted.region)) {
    throw invalidField('data-sources.malformed', 'export.region', 'must be a region code such as eu-west-1.');
  }
  if (wanted.scheme !== 'create') return;
  if (!EXPORT_NAME.test(wanted.name)) {
    throw invalidField('data-sources.malformed', 'export.name', 'must be 1 to 128 letters, digits, hyphens and underscores.');
  }
  if (wanted.prefix === '' || wanted.prefix.startsWith('/') || wanted.prefix.endsWith('/')) {
    throw invalidField('data-sources.malformed', 'export.prefix', 'must be given and neither begin nor end with a slash.');
  }
}

export function isBucketName(value: string): boolean {
  return BUCKET.test(value) && !value.includes('..');
}
