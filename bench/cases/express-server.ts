/** The least an Express route can do for the same answer: the product's statement, its rows as JSON, no login, no checks. */
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from '../../db/shared/connection.ts';
import { listResources } from '../../db/resources/resource-list.ts';
import type { ServerInput } from './server-process.ts';
import { FIRST_PAGE } from './resources-query.ts';
import { TENANT } from './tenant.ts';

const [{ databaseUrl }] = (await once(process, 'message')) as [ServerInput];
const db = connect(databaseUrl, { poolMax: 10, applicationName: 'orrery-bench-express' });
const app = express();
app.get('/resources', async (_request, response) => {
  response.json(await listResources(db, TENANT.organizationId, FIRST_PAGE.query, FIRST_PAGE.page));
});
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
