import { bodyOf, serve } from './http-server.ts';
import type { Peer } from './peer.ts';

export interface ReportPager extends Peer {
  /** Calls in order, as `cur:<operation>`. */
  calls: string[];
}

/**
 * Stands before ministack, which answers with all report definitions at once, and pages them as
 * AWS does: MaxResults must be 5 and NextToken leads on.
 * https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_cur_DescribeReportDefinitions.html
 */
export async function startReportPager(ministackUrl: string): Promise<ReportPager> {
  const calls: string[] = [];
  const peer = await serve(async (request, response) => {
    const body = await bodyOf(request);
    const target = String(request.headers['x-amz-target']);
    const operation = target.slice(target.lastIndexOf('.') + 1);
    calls.push(`cur:${operation}`);
    const authorization = request.headers.authorization ?? '';
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target, authorization };
    const answer = await fetch(ministackUrl, { method: 'POST', headers, body: new Uint8Array(body) });
    const text = await answer.text();
    const isPaged = operation === 'DescribeReportDefinitions' && answer.ok;
    const paged = isPaged ? page(JSON.parse(text) as Definitions, JSON.parse(body.toString('utf8')) as PageRequest) : { status: answer.status, text };
    response.writeHead(paged.status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(paged.text);
  });
  return { ...peer, calls };
}

interface Definitions {
  ReportDefinitions: unknown[];
}

interface PageRequest {
  MaxResults?: number;
  NextToken?: string;
}

function page({ ReportDefinitions }: Definitions, { MaxResults, NextToken = '0' }: PageRequest): { status: number; text: string } {
  if (MaxResults !== undefined && MaxResults !== 5) {
    return { status: 400, text: JSON.stringify({ __type: 'ValidationException', Message: 'MaxResults must be 5' }) };
  }
  const start = Number(NextToken);
  const end = start + 5;
  const rest = end < ReportDefinitions.length ? { NextToken: String(end) } : {};
  return { status: 200, text: JSON.stringify({ ReportDefinitions: ReportDefinitions.slice(start, end), ...rest }) };
}
