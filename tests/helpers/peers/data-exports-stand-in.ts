import type { Export, ExportStatusCode } from '@aws-sdk/client-bcm-data-exports';
import { bodyOf, serve } from './http-server.ts';
import { operations, problemsOf } from './data-exports-model.ts';
import type { Peer } from './peer.ts';

export interface DataExportsOptions {
  accountId: string;
  /** Keys that may call; any other gets UnrecognizedClientException. Default: any. */
  accessKeyIds?: string[];
  /** IAM actions that are refused, for example `bcm-data-exports:GetExport`. */
  denied?: string[];
  /** Largest page of ListExports, below what callers ask. Default 300. */
  pageSize?: number;
}

export interface DataExportsStandIn extends Peer {
  /** What there is now, by name. */
  exports: Map<string, StoredExport>;
  /** Calls in order, as `bcm-data-exports:<operation>`. */
  calls: string[];
}

export interface StoredExport {
  definition: Export;
  status: ExportStatusCode;
  statusReason: 'INSUFFICIENT_PERMISSION' | 'INTERNAL_FAILURE' | null;
}

interface Refusal {
  type: string;
  status: number;
  message: string;
}

/**
 * A stand-in for AWS Data Exports, of which no peer exists: JSON 1.1 over one URL. Every request
 * and every answer is checked against the model in the SDK's package, so neither can drift from it.
 */
export async function startDataExportsStandIn(options: DataExportsOptions): Promise<DataExportsStandIn> {
  const exports = new Map<string, StoredExport>();
  const calls: string[] = [];
  const peer = await serve(async (request, response) => {
    const input: unknown = JSON.parse((await bodyOf(request)).toString('utf8') || '{}');
    const operation = String(request.headers['x-amz-target']).replace(/^AWSBillingAndCostManagementDataExports\./, '');
    calls.push(`bcm-data-exports:${operation}`);
    const answer = refuse(options, operation, request.headers.authorization ?? '', input) ?? perform(options, exports, operation, input);
    const isRefusal = 'type' in answer;
    if (!isRefusal) assertFits(operation, answer.output);
    response.writeHead(isRefusal ? answer.status : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(isRefusal ? { __type: answer.type, message: answer.message, Message: answer.message } : answer.output));
  });
  return { ...peer, exports, calls };
}

function refuse(options: DataExportsOptions, operation: string, authorization: string, input: unknown): Refusal | null {
  const key = /Credential=([^/]+)\//.exec(authorization)?.[1] ?? '';
  if (options.accessKeyIds !== undefined && !options.accessKeyIds.includes(key)) {
    return { type: 'UnrecognizedClientException', status: 400, message: 'The security token included in the request is invalid.' };
  }
  const action = `bcm-data-exports:${operation}`;
  if (options.denied?.includes(action) === true) {
    const resource = `arn:aws:bcm-data-exports:us-east-1:${options.accountId}:export/*`;
    const message = `User: arn:aws:iam::${options.accountId}:user/test is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
    return { type: 'AccessDeniedException', status: 400, message };
  }
  const model = operations.get(operation);
  if (model === undefined) return { type: 'UnknownOperationException', status: 400, message: operation };
  const problems = problemsOf(input, model.input, operation);
  return problems.length === 0 ? null : invalid(problems.join('; '));
}

function perform(
  options: DataExportsOptions,
  exports: Map<string, StoredExport>,
  operation: string,
  input: unknown,
): Refusal | { output: object } {
  if (operation === 'CreateExport') return create(options, exports, (input as { Export: Export }).Export);
  if (operation === 'ListExports') return list(options, exports, input as { MaxResults?: number; NextToken?: string });
  if (operation === 'GetExport') return get(options, exports, (input as { ExportArn: string }).ExportArn);
  throw new Error(`The stand-in does not do ${operation}.`);
}

function create(options: DataExportsOptions, exports: Map<string, StoredExport>, definition: Export): Refusal | { output: object } {
  const name = definition.Name ?? '';
  if (exports.has(name)) return invalid(`An export named ${name} exists already.`);
  const query = definition.DataQuery?.QueryStatement ?? '';
  if (query.length > 36_000) return invalid('The query is longer than 36000 characters.');
  if (/SELECT\s+\*/i.test(query)) return invalid('SELECT * is not supported.');
  exports.set(name, { definition, status: 'HEALTHY', statusReason: null });
  return { output: { ExportArn: arnOf(options, name) } };
}

function list(
  options: DataExportsOptions,
  exports: Map<string, StoredExport>,
  { MaxResults = 300, NextToken = '0' }: { MaxResults?: number; NextToken?: string },
): { output: object } {
  const start = Number(NextToken);
  const end = start + Math.min(MaxResults, options.pageSize ?? 300);
  const all = [...exports.entries()];
  const references = all.slice(start, end).map(([name, stored]) => ({
    ExportArn: arnOf(options, name),
    ExportName: name,
    ExportStatus: statusOf(stored),
  }));
  return { output: { Exports: references, ...(end < all.length && { NextToken: String(end) }) } };
}

function get(options: DataExportsOptions, exports: Map<string, StoredExport>, arn: string): Refusal | { output: object } {
  const [name, stored] = [...exports].find(([name]) => arnOf(options, name) === arn) ?? [];
  if (name === undefined || stored === undefined) return { type: 'ResourceNotFoundException', status: 404, message: 'No such export.' };
  return { output: { Export: { ...stored.definition, ExportArn: arn }, ExportStatus: statusOf(stored) } };
}

function statusOf({ status, statusReason }: StoredExport): object {
  return { StatusCode: status, CreatedAt: '2026-03-01T08:00:00Z', ...(statusReason !== null && { StatusReason: statusReason }) };
}

function arnOf({ accountId }: DataExportsOptions, name: string): string {
  return `arn:aws:bcm-data-exports:us-east-1:${accountId}:export/${name}-0f0f0f0f`;
}

function invalid(message: string): Refusal {
  return { type: 'ValidationException', status: 400, message };
}

function assertFits(operation: string, output: object): void {
  const problems = problemsOf(output, operations.get(operation)?.output, operation);
  if (problems.length > 0) throw new Error(`The stand-in's own answer does not fit the model: ${problems.join('; ')}`);
}
