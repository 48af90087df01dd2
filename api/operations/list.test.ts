import { apiTest } from '../../tests/helpers/api-test.ts';
import { itemMakers } from '../../tests/helpers/foreign-items.ts';

const test = apiTest();

for (const list of ['operations', 'billing-imports'] as const) {
  test(`${list} are listed newest first, or oldest first, in pages`, async (t) => {
    const { api } = t.context;
    const organizationId = await api.organization();
    const { token } = await api.member(organizationId, 'engineer');
    const made: string[] = [];
    for (let count = 0; count < 3; count += 1) made.push(await itemMakers[list]!(api, organizationId));
    const read = async (query: string) => (await api.call(`/v1/organizations/${organizationId}/${list}?page_size=2${query}`, { token })).body;
    for (const [sort, expected] of [['', made.toReversed()], ['&sort=-created_at', made.toReversed()], ['&sort=created_at', made]] as const) {
      const first = await read(sort);
      const rest = await read(`${sort}&page_token=${first.next_page_token}`);
      t.deepEqual([...first.items, ...rest.items].map(({ id }: { id: string }) => id), expected, sort);
    }
  });
}
