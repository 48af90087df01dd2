import test from 'ava';
import { CloudEvent } from 'cloudevents';
import { payloadOf } from './port.ts';

const at = '2026-11-21T08:00:00.000Z';

test('a message is a CloudEvent that the published library accepts, of an environment or of none', (t) => {
  const event = { organizationId: 'org_1', type: 'booking.created', data: { booking: { id: 'bkg_1' } }, at };
  const read = (environmentId: string | null) => {
    const body = JSON.parse(payloadOf('whd_1', { ...event, environmentId })) as Record<string, unknown>;
    t.true(new CloudEvent(body, false).validate());
    return body;
  };
  const common = { specversion: '1.0', id: 'whd_1', source: '/v1/organizations/org_1', type: 'booking.created', time: at, timestamp: at, datacontenttype: 'application/json' };
  t.deepEqual(read('env_1'), { ...common, subject: 'env_1', data: { booking: { id: 'bkg_1' }, organization_id: 'org_1', environment_id: 'env_1' } });
  t.deepEqual(read(null), { ...common, data: { booking: { id: 'bkg_1' }, organization_id: 'org_1', environment_id: null } });
});
