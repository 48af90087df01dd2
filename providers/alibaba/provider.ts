import { cloudError } from '../../domain/data-sources/cloud-errors.ts';
import type { CheckedAccount, CloudProvider } from '../../domain/data-sources/cloud-ports.ts';
import { alibabaKeyOf, alibabaRegionOf } from '../../domain/data-sources/alibaba-credentials.ts';
import { createAlibabaClients, type AlibabaClients } from './clients.ts';
import { callAlibaba } from './errors.ts';
import { createInstanceCatalog, instancePages, listRegions } from './instances.ts';
import { createPowerControl } from './power.ts';
import type { AlibabaSettings } from './settings.ts';

/** Alibaba Cloud, reached by the AccessKey pair of a RAM user. */
export function createAlibabaProvider(settings: AlibabaSettings): CloudProvider {
  return {
    cloud: 'alibaba',
    refuseMalformed: (connection, credentials) => {
      alibabaKeyOf(credentials);
      alibabaRegionOf(connection);
    },
    check: async (connection, credentials, signal) =>
      checkAccount(createAlibabaClients(settings, alibabaKeyOf(credentials)), alibabaRegionOf(connection), signal),
    open: ({ accountId, connection, credentials }) => {
      const clients = createAlibabaClients(settings, alibabaKeyOf(credentials));
      return {
        power: createPowerControl(clients),
        catalog: createInstanceCatalog(clients, accountId, alibabaRegionOf(connection)),
      };
    },
  };
}

/** Who the key is, and that it may read what discovery reads. */
async function checkAccount(clients: AlibabaClients, regionId: string, signal: AbortSignal): Promise<CheckedAccount> {
  const call = { call: 'sts:GetCallerIdentity', resource: 'the AccessKey' };
  // Needs no permission: whoever may sign may ask.
  const { body } = await callAlibaba(call, signal, async () => (await clients.sts(regionId)).getCallerIdentity());
  const accountId = body?.accountId;
  if (accountId === undefined) throw cloudError('alibaba', 'rejected', { ...call, cloudCode: 'NoAccountId' });
  const regions = await listRegions(clients, accountId, regionId, signal);
  const tried = regions.includes(regionId) ? regionId : regions[0];
  if (tried !== undefined) {
    await instancePages(clients, { regionId: tried, resource: `${accountId} in ${tried}`, pageSize: 10 }, signal).next();
  }
  return { accountId, principal: body?.arn ?? null, warnings: warningsOf(body?.identityType, regionId, regions) };
}

function warningsOf(identityType: string | undefined, regionId: string, regions: readonly string[]): string[] {
  const warnings: string[] = [];
  if (identityType === 'Account') {
    warnings.push(
      "The AccessKey belongs to the Alibaba Cloud account itself and may do everything there. Use a RAM user's, with the policy that :policy gives.",
    );
  }
  if (!regions.includes(regionId)) warnings.push(`The account does not list the region ${regionId}: it lists ${regions.join(', ')}.`);
  return warnings;
}
