import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, ApiError, type Organization } from './api-client.ts';

/** The name of the organization that `npm start` makes for looking around. */
export const DEMONSTRATION = 'Demonstration';
const OWN = 'Default';

/** Where `npm start` puts the administrator's secrets and the API's address, below its data directory. */
export const tokenFile = (dataDirectory: string): string => join(dataDirectory, 'administrator-token');
export const passwordFile = (dataDirectory: string): string => join(dataDirectory, 'administrator-password');
export const urlFile = (dataDirectory: string): string => join(dataDirectory, 'url');

/** A client from ORRERY_URL and ORRERY_TOKEN, or from what `npm start` left in the data directory. */
export function connectClient(dataDirectory: string, env: NodeJS.ProcessEnv): ApiClient {
  const url = env.ORRERY_URL || readIfThere(urlFile(dataDirectory)) || 'http://127.0.0.1:8080';
  const token = env.ORRERY_TOKEN || readIfThere(tokenFile(dataDirectory));
  if (!token) throw new ApiError('no-token', `There is no token: set ORRERY_TOKEN, or point --data-dir at the data directory of npm start (${tokenFile(dataDirectory)} was not found).`);
  return new ApiClient(url, token);
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

/**
 * The organization to look at: the one named (by name or id), else the only one of your own that has a data source,
 * else the demonstration.
 *
 * @throws ApiError when that is not clear.
 */
export async function findOrganization(client: ApiClient, wanted: string | undefined): Promise<Organization> {
  const all = await client.listOrganizations();
  if (wanted !== undefined) {
    const found = named(all, wanted);
    if (found === undefined) throw new ApiError('no-organization', `There is no organization ${wanted}; there are: ${namesOf(all)}.`);
    return found;
  }
  const own = onlyOwn(all);
  const demonstration = named(all, DEMONSTRATION);
  if (own === undefined && demonstration === undefined) throw new ApiError('no-organization', 'There is no organization yet; orrery import makes one.');
  if (own === undefined || demonstration === undefined) return (own ?? demonstration) as Organization;
  // One whose first bill could not be connected has nothing to show.
  return (await client.listDataSources(own.id)).length === 0 ? demonstration : own;
}

/** The organization to import into: the one named, else the only one of your own. The demonstration is not for real bills. Makes what is missing. */
export async function ensureOrganization(client: ApiClient, wanted: string | undefined): Promise<Organization> {
  const all = await client.listOrganizations();
  const found = wanted === undefined ? onlyOwn(all) : named(all, wanted);
  if (found !== undefined) return found;
  const made = await client.createOrganization(wanted ?? OWN);
  console.log(`Made organization ${made.name} (${made.id})`);
  return made;
}

function named(all: Organization[], wanted: string): Organization | undefined {
  return all.find(({ id, name }) => id === wanted || name === wanted);
}

function onlyOwn(all: Organization[]): Organization | undefined {
  const own = all.filter(({ name }) => name !== DEMONSTRATION);
  if (own.length > 1) throw new ApiError('which-organization', `Say which with --organization: ${namesOf(own)}.`);
  return own[0];
}

function namesOf(organizations: Organization[]): string {
  return organizations.map(({ name, id }) => `${name} (${id})`).join(', ') || 'none';
}
