import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf, serve } from './http-server.ts';
import type { Peer } from './peer.ts';

/**
 * Stands before moto, which takes any region, and refuses as S3 does what is signed for another
 * one: 301 with the right region in a header. `regions` says where each bucket lies.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
 */
export async function startRegionGate(motoUrl: string, regions: Record<string, string>): Promise<Peer> {
  return serve(async (request, response) => {
    const body = await bodyOf(request);
    const bucket = /^\/([^/?]+)/.exec(request.url ?? '')?.[1] ?? '';
    const signedFor = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
    const right = regions[bucket];
    if (right !== undefined && signedFor !== right) redirect(request, response, right);
    else await pass(motoUrl, request, response, body);
  });
}

function redirect(request: IncomingMessage, response: ServerResponse, right: string): void {
  response.writeHead(301, { 'x-amz-bucket-region': right, 'content-type': 'application/xml' });
  const text = 'The bucket you are attempting to access must be addressed using the specified endpoint.';
  response.end(request.method === 'HEAD' ? '' : `<Error><Code>PermanentRedirect</Code><Message>${text}</Message></Error>`);
}

async function pass(motoUrl: string, request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length', 'expect'].includes(name)),
  ) as Record<string, string>;
  const hasBody = body.length > 0;
  const answer = await fetch(`${motoUrl}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    ...(hasBody && { body: new Uint8Array(body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const kept = [...answer.headers].filter(([name]) => !['transfer-encoding', 'connection', 'content-encoding'].includes(name));
  response.writeHead(answer.status, Object.fromEntries(kept));
  response.end(bytes);
}
