import { Agent, request } from 'node:http';

export interface Load {
  url: string;
  headers: Record<string, string>;
  requests: number;
  connections: number;
}

export interface LoadResult {
  /** Of each request, in the order they ended. */
  latenciesMs: number[];
  /** The last answer's body. */
  body: string;
}

/**
 * A closed loop: each connection, kept alive, sends its next request when the answer to the last has arrived whole.
 * With `bodyOf` request `number` (from 0) is a POST of that JSON, else all are GETs.
 */
export async function runLoad({ url, headers, requests, connections }: Load, bodyOf?: (number: number) => string): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latenciesMs: number[] = [];
  let next = 0;
  let body = '';
  const loop = async (): Promise<void> => {
    while (next < requests) {
      const sent = bodyOf?.(next);
      next += 1;
      const began = performance.now();
      body = await ask(agent, url, headers, sent);
      latenciesMs.push(performance.now() - began);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, loop));
  } finally {
    agent.destroy();
  }
  return { latenciesMs, body };
}

/** What half and what 99 of a hundred requests took at most. */
export function percentiles(latenciesMs: readonly number[]): { p50Ms: number | undefined; p99Ms: number | undefined } {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function ask(agent: Agent, url: string, headers: Record<string, string>, body: string | undefined): Promise<string> {
  const posted = body === undefined ? { headers } : { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } };
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent, ...posted }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === (body === undefined ? 200 : 201)) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
