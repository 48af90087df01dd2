import type { BCMDataExportsClient, Export, ExportStatus } from '@aws-sdk/client-bcm-data-exports';
import { CUR2_COLUMNS } from './cur2-columns.ts';
import type { FoundExport, WantedExport } from './found-export.ts';
import { callAws } from './sdk-errors.ts';

const TABLE = 'COST_AND_USAGE_REPORT';

/** The account's CUR 2.0 exports, all pages; exports of other tables (FOCUS, recommendations) are left out. */
export async function listDataExports(client: BCMDataExportsClient, signal: AbortSignal): Promise<FoundExport[]> {
  const { ListExportsCommand } = await import('@aws-sdk/client-bcm-data-exports');
  const found: FoundExport[] = [];
  let token: string | undefined;
  do {
    const command = new ListExportsCommand({ MaxResults: 100, ...(token !== undefined && { NextToken: token }) });
    const page = await callAws({ action: 'bcm-data-exports:ListExports', resource: '*' }, signal, () =>
      client.send(command, { abortSignal: signal }),
    );
    for (const reference of page.Exports ?? []) {
      const one = await readExport(client, reference.ExportArn ?? '', signal);
      if (one !== null) found.push(one);
    }
    token = page.NextToken;
  } while (token !== undefined);
  return found;
}

async function readExport(client: BCMDataExportsClient, arn: string, signal: AbortSignal): Promise<FoundExport | null> {
  const { GetExportCommand } = await import('@aws-sdk/client-bcm-data-exports');
  const answer = await callAws({ action: 'bcm-data-exports:GetExport', resource: arn }, signal, () =>
    client.send(new GetExportCommand({ ExportArn: arn }), { abortSignal: signal }),
  );
  const definition = answer.Export;
  const destination = definition?.DestinationConfigurations?.S3Destination;
  if (definition === undefined || destination === undefined || tableOf(definition) !== TABLE) return null;
  return {
    dialect: 'cur2',
    name: definition.Name ?? '',
    bucket: destination.S3Bucket ?? '',
    prefix: destination.S3Prefix ?? '',
    region: destination.S3Region ?? '',
    warnings: warningsOf(definition, answer.ExportStatus),
  };
}

/** Makes a CUR 2.0 export with every column, hourly, with resource ids, as parquet, new versions beside old ones. */
export async function createDataExport(client: BCMDataExportsClient, wanted: WantedExport, signal: AbortSignal): Promise<void> {
  const { CreateExportCommand } = await import('@aws-sdk/client-bcm-data-exports');
  const command = new CreateExportCommand({
    Export: {
      Name: wanted.name,
      DataQuery: {
        QueryStatement: `SELECT ${CUR2_COLUMNS.join(', ')} FROM ${TABLE}`,
        TableConfigurations: {
          [TABLE]: {
            TIME_GRANULARITY: 'HOURLY',
            INCLUDE_RESOURCES: 'TRUE',
            INCLUDE_SPLIT_COST_ALLOCATION_DATA: 'FALSE',
            INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY: 'FALSE',
          },
        },
      },
      DestinationConfigurations: {
        S3Destination: {
          S3Bucket: wanted.bucket,
          S3Prefix: wanted.prefix,
          S3Region: wanted.region,
          S3OutputConfigurations: { OutputType: 'CUSTOM', Format: 'PARQUET', Compression: 'PARQUET', Overwrite: 'CREATE_NEW_REPORT' },
        },
      },
      RefreshCadence: { Frequency: 'SYNCHRONOUS' },
    },
  });
  await callAws({ action: 'bcm-data-exports:CreateExport', resource: wanted.name }, signal, () =>
    client.send(command, { abortSignal: signal }),
  );
}

function tableOf(definition: Export): string | null {
  const query = definition.DataQuery?.QueryStatement ?? '';
  return /\bFROM\s+"?([A-Za-z0-9_]+)"?/i.exec(query)?.[1]?.toUpperCase() ?? null;
}

function warningsOf(definition: Export, status: ExportStatus | undefined): string[] {
  const name = definition.Name ?? '';
  const warnings: string[] = [];
  if (status?.StatusCode !== undefined && status.StatusCode !== 'HEALTHY') {
    const reason = status.StatusReason === undefined ? '' : `, ${status.StatusReason}`;
    warnings.push(`AWS calls export ${name} ${status.StatusCode}${reason}: its files may be out of date.`);
  }
  const query = definition.DataQuery?.QueryStatement ?? '';
  if (/\bWHERE\b/i.test(query)) {
    warnings.push(`Export ${name} leaves rows out (its query has a WHERE): totals may be lower than the bill.`);
  }
  const settings = definition.DataQuery?.TableConfigurations?.[TABLE];
  if (settings?.INCLUDE_RESOURCES !== 'TRUE') {
    warnings.push(`Export ${name} has no resource ids: costs are imported, resources stay unknown. Turn on resource ids in AWS.`);
  }
  return warnings;
}
