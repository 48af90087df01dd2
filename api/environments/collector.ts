import { timingSafeEqual } from 'node:crypto';
import { verify } from '@octokit/webhooks-methods';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { collectProperties } from '../../commands/environments/collector.ts';
import { hashSecret } from '../../commands/identity/secrets.ts';
import { collectorOf } from '../../db/environments/environment-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { isJenkinsNotification, readReport, type Sender } from '../../domain/environments/reports.ts';
import { DomainError } from '../../domain/shared/errors.ts';
import { isIdOf } from '../../domain/shared/ids.ts';
import type { ApiDependencies } from '../shared/dependencies.ts';
import { invalidRequest, requestIdOf, TransportError } from '../shared/problem.ts';
import { unstorableText } from '../shared/storable-text.ts';
import { linkLimits } from './collector-limits.ts';

/** The most a report may say, in bytes. */
export const LARGEST_REPORT = 64 * 1024;
const NOBODYS_HASH = hashSecret('');

const readBytes = express.raw({ limit: LARGEST_REPORT, type: () => true });

/**
 * POST collector_url. What is asked first is whether the address is right: an unknown environment, one
 * that takes no reports and a wrong secret get the same 404 after the same work. Then come the limit,
 * the body, the sender's signature or token, and the merge.
 */
export function collectHandler(deps: ApiDependencies): RequestHandler<{ id: string; secret: string }> {
  const limits = linkLimits(deps.db);
  return async (request, response) => {
    const address = request.ip ?? 'unknown';
    const { id, secret } = request.params;
    await limits.refuseGuessers(address);
    const collector = isIdOf('environment', id) ? await collectorOf(deps.db, id) : null;
    // Compared also where there is nothing to compare with, so that both take the same time.
    const isRight = timingSafeEqual(hashSecret(secret), collector?.secretHash ?? NOBODYS_HASH);
    if (collector === null || !isRight) {
      await limits.countWrong(address);
      throw noCollector();
    }
    await limits.countReport(id);
    const text = await readText(request, response);
    const sender = await senderOf(request, text, secret);
    const at = deps.clock.now();
    const { organizationId } = collector;
    const patch = readBody(sender, request, text, at);
    const ref = { organizationId, id };
    await inTransaction(deps.db, (tx) => collectProperties(tx, ref, patch.properties, { at, sender: patch.sender, requestId: requestIdOf(request) }));
    (request.log as Logger).info({ environment: id, sender: patch.sender, properties: Object.keys(patch.properties).length }, 'report collected');
    response.setHeader('Cache-Control', 'no-store').status(204).end();
  };
}

function noCollector(): DomainError {
  return new DomainError({
    kind: 'not-found',
    code: 'environments.no-such-collector',
    message: 'There is no such collector_url, or not any more. Make a new one on the environment.',
  });
}

async function readText(request: Request<{ id: string; secret: string }>, response: Response): Promise<string> {
  if (request.is('json') === false) throw new TransportError(415);
  await new Promise<void>((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body.toString('utf8') : '';
}

/** Which form a body has, from what the sender proves to be: GitHub signs, GitLab shows a token. */
async function senderOf(request: Request<{ id: string; secret: string }>, text: string, secret: string): Promise<Sender> {
  if (request.get('x-github-event') !== undefined) {
    const signature = request.get('x-hub-signature-256') ?? '';
    if (text === '' || signature === '' || !(await verify(secret, text, signature))) throw notSender('GitHub’s signature', 'webhook’s secret');
    return 'github';
  }
  if (request.get('x-gitlab-event') !== undefined) {
    const token = request.get('x-gitlab-token') ?? '';
    if (!timingSafeEqual(hashSecret(token), hashSecret(secret))) throw notSender('GitLab’s token', 'secret token');
    return 'gitlab';
  }
  return 'json';
}

function notSender(what: string, setting: string): DomainError {
  return new DomainError({
    kind: 'not-allowed',
    code: 'environments.sender-not-proven',
    message: `${what} is missing or wrong: set the last part of the collector_url as the ${setting}.`,
  });
}

function readBody(sender: Sender, request: Request<{ id: string; secret: string }>, text: string, at: string) {
  const body = parse(text);
  const problems = unstorableText(body);
  if (problems.length > 0) throw invalidRequest(problems);
  const known: Sender = sender === 'json' && isJenkinsNotification(body) ? 'jenkins' : sender;
  return { sender: known, properties: readReport(known, request.get('x-github-event') ?? null, body, at) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DomainError({ kind: 'invalid-input', code: 'request.malformed-json', message: `The body is not JSON: ${error.message}.`, cause: error });
  }
}
