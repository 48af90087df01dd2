import { configOrExit } from '../config.ts';
import { rotateCalendarKeys } from '../commands/calendar/rotate-calendar-keys.ts';
import { rotateKeys } from '../commands/data-sources/rotate-keys.ts';
import { rotateWebhookKeys } from '../commands/webhooks/rotate-webhook-keys.ts';
import { rotateMailKeys } from '../commands/notifications/rotate-mail-keys.ts';
import { connect } from '../db/shared/connection.ts';
import { systemClock, vaultOf } from '../workers/dependencies.ts';

// Usage: ORRERY_SECRET_KEY=<new> ORRERY_SECRET_KEYS_PREVIOUS=<old> npm run rotate-keys, with the rest of the
// environment as for the workers. Afterwards the old key can go. Safe to interrupt and to repeat.
const config = configOrExit(process.env);
const db = connect(config.databaseUrl, { poolMax: 1, applicationName: 'orrery-rotate-keys' });
try {
  const vault = vaultOf(config);
  console.log(`${await rotateKeys(db, vault, systemClock)} credentials sealed anew under the current key`);
  console.log(`${await rotateCalendarKeys(db, vault, systemClock)} calendar keys sealed anew under the current key`);
  console.log(`${await rotateWebhookKeys(db, vault)} webhooks sealed anew under the current key`);
  console.log(`${await rotateMailKeys(db, vault)} letters sealed anew under the current key`);
} finally {
  await db.destroy();
}
