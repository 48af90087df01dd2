import { DomainError, invalidField } from '../shared/errors.ts';
import type { AlibabaKeyPair, CloudCredentials } from './cloud-credentials.ts';
import type { CloudConnection } from './cloud-ports.ts';

/** Region whose endpoint is asked first when the connection names none. */
export const ALIBABA_DEFAULT_REGION = 'cn-hangzhou';

/**
 * The AccessKey pair of a connection. Refuses what is missing, of another cloud, or wrong by its
 * form alone, before anything is called; the values are never quoted.
 * @throws DomainError `data-sources.no-credentials`, `alibaba.malformed-key` naming the field
 */
export function alibabaKeyOf(credentials: CloudCredentials | null): AlibabaKeyPair {
  if (credentials === null) {
    throw new DomainError({
      kind: 'invalid-input',
      code: 'data-sources.no-credentials',
      message: 'An Alibaba Cloud account needs credentials. Give the AccessKey pair of a RAM user.',
    });
  }
  if (credentials.kind !== 'access-key') {
    throw invalidField('alibaba.malformed-key', 'kind', "must be access-key: Alibaba Cloud is reached by a RAM user's AccessKey pair.");
  }
  const { access_key_id: id, access_key_secret: secret } = credentials;
  if (id.startsWith('STS.')) {
    throw invalidField('alibaba.malformed-key', 'access_key_id', "is a temporary key, which would soon expire. Give a RAM user's own AccessKey pair.");
  }
  if (!/^[A-Za-z0-9]{12,128}$/.test(id)) {
    throw invalidField('alibaba.malformed-key', 'access_key_id', 'must be 12 to 128 letters and digits, as the RAM console shows it.');
  }
  if (secret.trim() === '' || /\s/.test(secret)) {
    throw invalidField('alibaba.malformed-key', 'access_key_secret', 'is empty or holds white space: copy it again from where it was saved.');
  }
  return credentials;
}

/** The region a connection is asked in first. @throws DomainError `alibaba.malformed-region` */
export function alibabaRegionOf({ region }: CloudConnection): string {
  if (region === undefined) return ALIBABA_DEFAULT_REGION;
  // It becomes part of a host name, so nothing but a region's id may pass.
  if (!/^[a-z]{2}(?:-[a-z0-9]+)+$/.test(region) || region.length > 60) {
    throw invalidField('alibaba.malformed-region', 'region', 'must be the id of a region, for example cn-hangzhou or eu-central-1.');
  }
  return region;
}
