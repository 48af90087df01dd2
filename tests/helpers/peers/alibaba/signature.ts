import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { refusal, type Refusal } from './refusals.ts';

/** How far a request's time stamp may lie off. */
const TOLERANCE_MS = 15 * 60_000;

/** Keys by id. */
export interface KnownKey {
  secret: string;
  /** A disabled key is known and refused. */
  isActive: boolean;
}

export interface SignedRequest {
  request: IncomingMessage;
  url: URL;
  body: Buffer;
}

/**
 * Verifies ACS3-HMAC-SHA256 as the gateway does: the key, the digest of the body, every header that
 * must be signed, the time stamp, the one-time number, the signature. Answers with the key's id.
 * https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
 */
export function verifySignature(signed: SignedRequest, keys: ReadonlyMap<string, KnownKey>, usedNonces: Set<string>): Refusal | string {
  const authorization = String(signed.request.headers.authorization);
  const [, keyId = '', signedHeaders = '', signature = ''] =
    /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/.exec(authorization) ?? [];
  if (keyId === '') return refusal(400, 'IncompleteSignature', 'The request signature does not conform to Alibaba Cloud standards.');
  const key = keys.get(keyId);
  if (key === undefined) return refusal(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
  if (!key.isActive) return refusal(400, 'InvalidAccessKeyId.Inactive', 'Specified access key is disabled.');
  return verifyTimes(signed.request, usedNonces) ?? verifyHash(signed, key, signedHeaders.split(';'), signature) ?? keyId;
}

function verifyTimes({ headers }: IncomingMessage, usedNonces: Set<string>): Refusal | null {
  const sentAt = Date.parse(String(headers['x-acs-date']));
  if (!(Math.abs(Date.now() - sentAt) < TOLERANCE_MS)) {
    return refusal(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.');
  }
  const nonce = String(headers['x-acs-signature-nonce']);
  if (usedNonces.has(nonce)) return refusal(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.');
  usedNonces.add(nonce);
  return null;
}

function verifyHash({ request, url, body }: SignedRequest, key: KnownKey, signedHeaders: string[], signature: string): Refusal | null {
  const mustBeSigned = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-acs-'));
  const digest = createHash('sha256').update(body).digest('hex');
  const canonical = [
    request.method,
    url.pathname,
    canonicalQuery(url.searchParams),
    ...signedHeaders.map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    signedHeaders.join(';'),
    digest,
  ].join('\n');
  const toSign = `ACS3-HMAC-SHA256\n${createHash('sha256').update(canonical).digest('hex')}`;
  const isRight = createHmac('sha256', key.secret).update(toSign).digest('hex') === signature;
  if (isRight && request.headers['x-acs-content-sha256'] === digest && mustBeSigned.every((name) => signedHeaders.includes(name))) return null;
  // The gateway repeats what it was sent, the key's id included.
  return refusal(400, 'SignatureDoesNotMatch', `Specified signature is not matched with our calculation. server string to sign is:${canonical}`);
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
