import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'ava';
import { methodOf, problemsOfAnswer, problemsOfRequest } from '../helpers/peers/google-calendar/discovery.ts';

const EVENTS = '/calendar/v3/calendars/c_1%40group.calendar.google.com/events';

function known(verb: string, path: string): NonNullable<ReturnType<typeof methodOf>> {
  const found = methodOf(verb, path);
  if (found === null) throw new Error(`no call ${verb} ${path}`);
  return found;
}

test('calls are those of the discovery document, and parameters are read from their paths', (t) => {
  const found = methodOf('PATCH', `${EVENTS}/bkg1`);
  t.is(found?.method.id, 'calendar.events.patch');
  t.deepEqual(found?.params, { calendarId: 'c_1@group.calendar.google.com', eventId: 'bkg1' });
  t.is(methodOf('POST', '/calendar/v3/channels/stop')?.method.id, 'calendar.channels.stop');
  t.is(methodOf('PUT', EVENTS), null);
});

test('what the discovery document does not declare is a problem, in requests and in answers', (t) => {
  const { method, params } = known('POST', EVENTS);
  const problems = (query: string, body: unknown): string[] => problemsOfRequest(method, params, new URLSearchParams(query), body);
  t.deepEqual(problems('', { id: 'a', start: { dateTime: '2026-11-21T08:00:00Z' }, extendedProperties: { private: { a: 'b' } }, recurrence: null }), []);
  t.deepEqual(problems('syncToken=1', {}), ['syncToken is no parameter of calendar.events.insert']);
  t.deepEqual(problems('', { colour: 'red', start: { time: 'x' }, recurrence: 'daily', reminders: { useDefault: 'no' } }), [
    'body.colour is not declared',
    'body.start.time is not declared',
    'body.recurrence is no array',
    'body.reminders.useDefault is no boolean',
  ]);
  const list = known('GET', EVENTS);
  t.deepEqual(problemsOfRequest(list.method, list.params, new URLSearchParams('maxResults=many'), { id: 'a' }), ['maxResults is no integer', 'a body where none belongs']);
  t.deepEqual(problemsOfRequest(list.method, {}, new URLSearchParams(), undefined), ['calendarId is missing']);
  t.deepEqual(problemsOfAnswer(list.method, { items: [{ id: 'a', attendees: [{ email: 'a@b', mood: 'good' }] }], nextSyncToken: 7 }), [
    'answer.items[0].attendees[0].mood is not declared',
    'answer.nextSyncToken is no string',
  ]);
  t.deepEqual(problems('sendUpdates=some', { start: { dateTime: 'tomorrow' }, end: { date: '2026-11-21' } }), [
    'sendUpdates is some, and not one of all, externalOnly, none',
    'body.start.dateTime is tomorrow, and no date-time',
  ]);
  t.deepEqual(problemsOfRequest(list.method, list.params, new URLSearchParams('maxResults=0&q=a&q=b'), undefined), ['maxResults is 0, out of its range', 'q is given more than once']);
  const remove = known('DELETE', `${EVENTS}/bkg1`);
  t.deepEqual(problemsOfAnswer(remove.method, {}), ['an answer where none belongs']);
});

test('the SDK we call with makes the calls that the document declares', (t) => {
  const code = readFileSync(createRequire(import.meta.url).resolve('googleapis/build/src/apis/calendar/v3.js'), 'utf8');
  const made = [...code.matchAll(/url: \(rootUrl \+ '\/calendar\/v3\/([^']+)'\)[\s\S]{0,100}?method: '(\w+)'/g)].map(([, path, verb]) => `${verb} ${path}`);
  const calls: [verb: string, path: string][] = [
    ['POST', EVENTS], ['GET', EVENTS], ['GET', `${EVENTS}/e`], ['PATCH', `${EVENTS}/e`], ['DELETE', `${EVENTS}/e`], ['POST', `${EVENTS}/watch`], ['POST', '/calendar/v3/channels/stop'],
  ];
  for (const [verb, path] of calls) t.true(made.includes(`${verb} ${known(verb, path).method.path}`), `${verb} ${path}`);
});
