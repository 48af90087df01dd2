/** The least an Express route can do for the same answer: the product's statements, their rows as JSON, no login, no checks. */
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { listProjectCards } from '../../db/projects/project-cards.ts';
import { connect } from '../../db/shared/connection.ts';
import { API_POOL_MAX } from '../../api/main.ts';
import type { ServerInput } from './server-process.ts';
import { TENANT } from './tenant.ts';

const [{ databaseUrl }] = (await once(process, 'message')) as [ServerInput];
const db = connect(databaseUrl, { poolMax: API_POOL_MAX, applicationName: 'orrery-bench-express' });
const app = express();
/** What the API asks the store for without any filter; one more than a page tells whether there is another. */
const firstPage = { limit: 51, sort: 'name', descending: false, after: null } as const;
app.get('/projects', async (_request, response) => {
  response.json(await listProjectCards(db, TENANT.organizationId, { userId: 'nobody', seesAll: true }, {}, firstPage));
});
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
