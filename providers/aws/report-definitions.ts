import type { CostAndUsageReportServiceClient, ReportDefinition } from '@aws-sdk/client-cost-and-usage-report-service';
import type { FoundExport, WantedExport } from './found-export.ts';
import { callAws } from './sdk-errors.ts';

// The API takes exactly this page size.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_cur_DescribeReportDefinitions.html
const PAGE_SIZE = 5;

/** The account's legacy Cost and Usage Reports, all pages. */
export async function listReportDefinitions(
  client: CostAndUsageReportServiceClient,
  signal: AbortSignal,
): Promise<FoundExport[]> {
  const { DescribeReportDefinitionsCommand } = await import('@aws-sdk/client-cost-and-usage-report-service');
  const found: FoundExport[] = [];
  let token: string | undefined;
  do {
    const command = new DescribeReportDefinitionsCommand({ MaxResults: PAGE_SIZE, ...(token !== undefined && { NextToken: token }) });
    const page = await callAws({ action: 'cur:DescribeReportDefinitions', resource: '*' }, signal, () =>
      client.send(command, { abortSignal: signal }),
    );
    for (const definition of page.ReportDefinitions ?? []) found.push(toFoundExport(definition));
    token = page.NextToken;
  } while (token !== undefined && token !== '');
  return found;
}

/** Makes a report with all that an exact import needs: hourly, with resource ids, new versions beside old ones. */
export async function putReportDefinition(
  client: CostAndUsageReportServiceClient,
  wanted: WantedExport,
  signal: AbortSignal,
): Promise<void> {
  const { PutReportDefinitionCommand } = await import('@aws-sdk/client-cost-and-usage-report-service');
  const command = new PutReportDefinitionCommand({
    ReportDefinition: {
      ReportName: wanted.name,
      TimeUnit: 'HOURLY',
      Format: 'textORcsv',
      Compression: 'GZIP',
      AdditionalSchemaElements: ['RESOURCES'],
      S3Bucket: wanted.bucket,
      S3Prefix: wanted.prefix,
      S3Region: wanted.region,
      AdditionalArtifacts: [],
      // Late corrections of closed months are wanted too.
      RefreshClosedReports: true,
      ReportVersioning: 'CREATE_NEW_REPORT',
    },
  });
  await callAws({ action: 'cur:PutReportDefinition', resource: wanted.name }, signal, () => client.send(command, { abortSignal: signal }));
}

function toFoundExport(definition: ReportDefinition): FoundExport {
  return {
    dialect: 'cur',
    name: definition.ReportName ?? '',
    bucket: definition.S3Bucket ?? '',
    prefix: definition.S3Prefix ?? '',
    region: definition.S3Region ?? '',
    warnings: warningsOf(definition),
  };
}

function warningsOf(definition: ReportDefinition): string[] {
  const warnings: string[] = [];
  const name = definition.ReportName ?? '';
  if (definition.AdditionalSchemaElements?.includes('RESOURCES') !== true) {
    warnings.push(`Report ${name} has no resource ids: costs are imported, resources stay unknown. Turn on resource ids in AWS.`);
  }
  // Newer than the client's model, which passes it through.
  const { ReportStatus } = definition as { ReportStatus?: { lastStatus?: string } };
  if (ReportStatus?.lastStatus !== undefined && ReportStatus.lastStatus !== 'SUCCESS') {
    warnings.push(`AWS could not deliver report ${name} last time (${ReportStatus.lastStatus}): its files may be out of date.`);
  }
  return warnings;
}
