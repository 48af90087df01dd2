import proto from '@temporalio/proto';
import type { Platform } from './platform.ts';

/** Everything in every table, as PostgreSQL writes it. */
export async function databaseText({ db }: Pick<Platform, 'db'>): Promise<string> {
  const tables = await db.raw<{ rows: { name: string }[] }>(`select tablename as name from pg_tables where schemaname = 'public'`);
  const texts: string[] = [];
  for (const { name } of tables.rows) {
    const rows = await db.raw<{ rows: { text: string }[] }>(`select t::text as text from ${name} t`);
    texts.push(...rows.rows.map((row) => row.text));
  }
  return texts.join('\n');
}

/** Every history of the namespace, its bytes read as text. */
export async function historyText({ client }: Pick<Platform, 'client'>): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const bytes = proto.temporal.api.history.v1.History.encode(history).finish();
    texts.push(Buffer.from(bytes).toString('latin1'));
  }
  return texts.join('\n');
}

/** The forms in which a secret could lie about. */
export function formsOf(secret: string): string[] {
  return [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), Buffer.from(secret).toString('hex'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
}
