import test from 'ava';
import { problemsOfAnswer, problemsOfRequest, routeOf } from '../helpers/peers/google-calendar/sdk-model.ts';

const EVENTS = '/calendar/v3/calendars/c_1%40group.calendar.google.com/events';

function known(verb: string, path: string): NonNullable<ReturnType<typeof routeOf>> {
  const found = routeOf(verb, path);
  if (found === null) throw new Error(`no call ${verb} ${path}`);
  return found;
}

test('calls are those that Google’s SDK is generated with, and parameters are read from their paths', (t) => {
  const found = routeOf('PATCH', `${EVENTS}/bkg1`);
  t.is(found?.route.method, 'calendar.events.patch');
  t.deepEqual(found?.params, { calendarId: 'c_1@group.calendar.google.com', eventId: 'bkg1' });
  t.is(routeOf('POST', '/calendar/v3/channels/stop')?.route.method, 'calendar.channels.stop');
  t.is(routeOf('PUT', EVENTS), null);
});

test('what the SDK does not declare is a problem, in requests and in answers', (t) => {
  const { route, params } = known('POST', EVENTS);
  const problems = (query: string, body: unknown): string[] => problemsOfRequest(route, params, new URLSearchParams(query), body);
  t.deepEqual(problems('', { id: 'a', start: { dateTime: 'x' }, extendedProperties: { private: { a: 'b' } }, recurrence: null }), []);
  t.deepEqual(problems('syncToken=1', {}), ['syncToken is no parameter of calendar.events.insert']);
  t.deepEqual(problems('', { colour: 'red', start: { time: 'x' }, recurrence: 'daily', reminders: { useDefault: 'no' } }), [
    'body.colour is not declared',
    'body.start.time is not declared',
    'body.recurrence is no list',
    'body.reminders.useDefault is no boolean',
  ]);
  const list = known('GET', EVENTS);
  t.deepEqual(problemsOfRequest(list.route, list.params, new URLSearchParams('maxResults=many'), { id: 'a' }), ['maxResults is no number', 'a body where none belongs']);
  t.deepEqual(problemsOfRequest(list.route, {}, new URLSearchParams(), undefined), ['calendarId is missing']);
  t.deepEqual(problemsOfAnswer(list.route, { items: [{ id: 'a', attendees: [{ email: 'a@b', mood: 'good' }] }], nextSyncToken: 7 }), [
    'answer.items[0].attendees[0].mood is not declared',
    'answer.nextSyncToken is no string',
  ]);
  const remove = known('DELETE', `${EVENTS}/bkg1`);
  t.deepEqual(problemsOfAnswer(remove.route, {}), ['an answer where none belongs']);
});
