import { addSshKey, deleteSshKey, editSshKey } from '../../commands/identity/ssh-keys.ts';
import { getSshKey, listSshKeys } from '../../db/identity/ssh-key-store.ts';
import { inTransaction } from '../../db/shared/transaction.ts';
import { LONGEST_KEY, type SshKey } from '../../domain/identity/ssh-key.ts';
import { notFound } from '../../domain/shared/errors.ts';
import { requireCaller, requireUnlimited } from '../shared/authorize.ts';
import type { Caller } from '../shared/caller.ts';
import { idOf, instant } from '../shared/fields.ts';
import { defineOperation } from '../shared/operation.ts';
import { pageFields, pageOf, readCursor, toPage } from '../shared/page.ts';
import { z } from '../shared/zod.ts';

const tags = ['identity'];
const access = { kind: 'person' } as const;
const params = z.strictObject({ id: idOf('ssh-key') });
const name = z.string().trim().min(1).max(200);

const keyBody = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    public_key: z.string(),
    fingerprint: z.string().openapi({ description: 'As ssh-keygen -l shows it.', example: 'SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDWDTWd…' }),
    is_default: z.boolean().openapi({ description: 'The one that bookings carry when none is named.' }),
    created_at: instant,
  })
  .openapi('SshKey');

function keyView({ id, name, publicKey, fingerprint, isDefault, createdAt }: SshKey): z.input<typeof keyBody> {
  return { id, name, public_key: publicKey, fingerprint, is_default: isDefault, created_at: createdAt };
}

function userOf(caller: Caller | null): string {
  return requireCaller(caller).userId;
}

/** Who changes their keys, which open the machines of every organization that they book in. */
function changerOf(caller: Caller | null): string {
  const changer = requireCaller(caller);
  requireUnlimited(changer, 'write');
  return changer.userId;
}

const list = defineOperation({
  method: 'get',
  path: '/v1/me/ssh-keys',
  id: 'listSshKeys',
  summary: 'One’s own SSH public keys, oldest first',
  tags,
  access,
  tokenScope: 'read',
  query: z.strictObject({ ...pageFields }),
  responses: { 200: pageOf(keyBody) },
  async handle({ deps, caller }, { query }) {
    const cursor = readCursor('listSshKeys', query, 1);
    const found = await listSshKeys(deps.db, userOf(caller), { limit: query.page_size + 1, after: cursor === null ? null : String(cursor[0]) });
    return { status: 200, body: toPage('listSshKeys', query, found, { item: keyView, positionOf: (row) => [row.id] }) };
  },
});

const add = defineOperation({
  method: 'post',
  path: '/v1/me/ssh-keys',
  id: 'addSshKey',
  summary: 'Add an SSH public key; the first one is the default',
  tags,
  access,
  tokenScope: 'write',
  body: z
    .strictObject({
      public_key: z.string().min(1).max(LONGEST_KEY).openapi({ description: 'The line of a .pub file.' }),
      name: name.nullable().default(null).openapi({ description: 'The comment of the key when null.' }),
      is_default: z.boolean().default(false),
    })
    .openapi('AddSshKey'),
  responses: { 201: keyBody },
  handle: ({ transact, caller, at, actor: by }, { body }) =>
    transact(async (tx) => {
      const request = { userId: changerOf(caller), name: body.name, publicKey: body.public_key, isDefault: body.is_default };
      const key = await addSshKey(tx, request, { at, by });
      return { status: 201, body: keyView(key), headers: { Location: `/v1/me/ssh-keys/${key.id}` } };
    }),
});

const get = defineOperation({
  method: 'get',
  path: '/v1/me/ssh-keys/{id}',
  id: 'getSshKey',
  summary: 'One of one’s own SSH public keys',
  tags,
  access,
  tokenScope: 'read',
  params,
  responses: { 200: keyBody },
  async handle({ deps, caller }, { params: { id } }) {
    const key = await getSshKey(deps.db, userOf(caller), id);
    if (key === null) throw notFound('ssh-key', id);
    return { status: 200, body: keyView(key) };
  },
});

const edit = defineOperation({
  method: 'patch',
  path: '/v1/me/ssh-keys/{id}',
  id: 'editSshKey',
  summary: 'Rename a key, or make it the default in place of the one that was',
  tags,
  access,
  tokenScope: 'write',
  params,
  body: z.strictObject({ name: name.optional(), is_default: z.boolean().optional() }).openapi('EditSshKey'),
  responses: { 200: keyBody },
  async handle({ deps, caller, at, actor: by }, { params: { id }, body }) {
    const userId = changerOf(caller);
    const key = await inTransaction(deps.db, (tx) => editSshKey(tx, { userId, id }, { name: body.name, isDefault: body.is_default }, { at, by }));
    return { status: 200, body: keyView(key) };
  },
});

const remove = defineOperation({
  method: 'delete',
  path: '/v1/me/ssh-keys/{id}',
  id: 'deleteSshKey',
  summary: 'Delete a key; the default goes last',
  tags,
  access,
  tokenScope: 'write',
  params,
  responses: { 204: null },
  async handle({ deps, caller, at, actor: by }, { params: { id } }) {
    const userId = changerOf(caller);
    await inTransaction(deps.db, (tx) => deleteSshKey(tx, { userId, id }, { at, by }));
    return { status: 204, body: null };
  },
});

export const sshKeyRoutes = [list, add, get, edit, remove];
