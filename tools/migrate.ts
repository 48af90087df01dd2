import { configOrExit } from '../config.ts';
import { migrate } from '../db/migrate.ts';

// npm run migrate: brings the database of DATABASE_URL up to date. Safe to run beside others and again.
const ran = await migrate(configOrExit(process.env).databaseUrl);
console.log(ran.length === 0 ? 'The database is up to date.' : `Ran ${ran.join(', ')}.`);
