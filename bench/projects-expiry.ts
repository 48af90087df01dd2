import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../db/shared/connection.ts';
import { freePort } from '../tools/start/ports.ts';
import { ensureTemporalBinary } from '../tools/start/temporal-binary.ts';
import { startTemporalServer } from '../tools/start/temporal-server.ts';
import { buildWorkflowBundle } from '../tools/test/bundle.ts';
import type { DueTogether } from './cases/bare-timers.ts';
import type { ExpiryLeft, ProjectExpiryInput, ProjectExpiryOutput } from './cases/project-expiry.ts';
import { fillTemplate } from './cases/project-fleet.ts';
import type { BenchDatabases } from './database.ts';
import { runInterleaved, type Case } from './harness.ts';
import type { BenchOptions, Say } from './options.ts';
import { table } from './report.ts';

const NAME = 'projects that end together';
const DATABASE = 'bench_project_expiry';
const OLDEST_SERVER = '1.31.0';
const WANTED = { ratio: 2, seconds: 30 } as const;

/** How soon projects that end at the same instant are all in their buffers. One round; printed, never judged. */
export async function benchProjectExpiry(databases: BenchDatabases, options: BenchOptions, say: Say): Promise<void> {
  const size = options.quick ? { projects: 1_000, due: 100 } : { projects: 10_000, due: 1_000 };
  const directory = join(databases.directory, 'expiry');
  mkdirSync(directory, { recursive: true });
  const temporal = (await ensureTemporalBinary({ minimum: OLDEST_SERVER, log: say })).path;
  const workflowBundle = await buildWorkflowBundle(directory);
  const server = await startTemporalServer({ binary: temporal, dataDirectory: join(directory, 'temporal'), port: await freePort(), uiPort: null });
  try {
    const databaseUrl = await databases.create(DATABASE);
    const db = connect(databaseUrl, { poolMax: 1, applicationName: 'orrery-bench-fill' });
    const fleet = await fillTemplate(db);
    await db.destroy();
    const input: ProjectExpiryInput = { databaseUrl, temporalAddress: server.address, directory, exportDirectory: directory, workflowBundle, fleet, ...size };
    say(`opening ${size.projects} projects …`);
    const results = await runInterleaved([expiryCase(databases, input)], 1, say);
    for (const { output } of results.get(NAME) ?? []) say(`\n${report(output as unknown as ProjectExpiryOutput, size)}`);
  } finally {
    await server.stop();
  }
}

function expiryCase(databases: BenchDatabases, input: ProjectExpiryInput): Case {
  return {
    name: NAME, module: 'project-expiry.ts',
    input: () => input,
    check: (output) => {
      const { due, projects } = input;
      const expected: ExpiryLeft = { inBuffer: due, recordedOnce: due, mailedOnce: due, untouched: projects - due, ledgerEntries: due, mails: due };
      const { left } = output as unknown as ProjectExpiryOutput;
      for (const [what, count] of Object.entries(expected)) {
        const found = left[what as keyof ExpiryLeft];
        if (found !== count) throw new Error(`${what} is ${found} instead of ${count}`);
      }
    },
    after: () => databases.drop(DATABASE),
  };
}

function report({ before, product, after, mailsMs, openingMs }: ProjectExpiryOutput, { projects, due }: { projects: number; due: number }): string {
  const row = (name: string, { rows, allMs }: DueTogether): string[] => [name, ...[rows.first, rows.median, rows.last, allMs].map((ms) => ms.toFixed(0))];
  const bare = (before.allMs + after.allMs) / 2;
  return [
    table([
      ['ms after the due instant', 'first', 'median', 'last', 'all seen'],
      row(`${due} bare timers, before`, before),
      row(`${due} of ${projects} projects in their buffers`, product),
      row(`${due} bare timers, after`, after),
    ]),
    `product ÷ bare timers: ${(product.allMs / bare).toFixed(2)} × (wanted: at most ${WANTED.ratio}); all in ${(product.allMs / 1000).toFixed(1)} s (wanted: ${WANTED.seconds}); all mails had ended after ${(mailsMs / 1000).toFixed(1)} s`,
    `opening a project took ${openingMs.toFixed(1)} ms`,
  ].join('\n');
}
