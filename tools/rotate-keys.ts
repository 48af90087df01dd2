import { configOrExit } from '../config.ts';
import { rotateKeys } from '../commands/data-sources/rotate-keys.ts';
import { connect } from '../db/shared/connection.ts';
import { systemClock, vaultOf } from '../workers/dependencies.ts';

// Usage: ORRERY_SECRET_KEY=<new> ORRERY_SECRET_KEYS_PREVIOUS=<old> node tools/rotate-keys.ts, with the rest of the
// environment as for the workers. Afterwards the old key can go. Safe to interrupt and to repeat.
const config = configOrExit(process.env);
const db = connect(config.databaseUrl, { poolMax: 1, applicationName: 'orrery-rotate-keys' });
try {
  console.log(`${await rotateKeys(db, vaultOf(config), systemClock)} credentials sealed anew under the current key`);
} finally {
  await db.destroy();
}
