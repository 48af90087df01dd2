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

/** A closed loop: each connection, kept alive, sends its next request when the answer to the last has arrived whole. */
export async function runLoad({ url, headers, requests, connections }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latenciesMs: number[] = [];
  let left = requests;
  let body = '';
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const began = performance.now();
      body = await get(agent, url, headers);
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

async function get(agent: Agent, url: string, headers: Record<string, string>): Promise<string> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    sent.once('error', reject);
    sent.end();
  });
}
