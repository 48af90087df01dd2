import { ConfigError, loadConfig } from '../config.ts';
import { migrate } from '../db/migrate.ts';

// node tools/migrate.ts: brings the database of DATABASE_URL up to date. Safe to run beside others and again.
try {
  const ran = await migrate(loadConfig(process.env).databaseUrl);
  console.log(ran.length === 0 ? 'The database is up to date.' : `Ran ${ran.join(', ')}.`);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
