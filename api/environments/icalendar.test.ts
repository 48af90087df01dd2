import test from 'ava';
import fc from 'fast-check';
import ICAL from 'ical.js';
import { iCalendar } from './icalendar.ts';

const at = '2026-11-21T07:00:00.000Z';

function summariesIn(text: string): string[] {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  return calendar.getAllSubcomponents('vevent').map((event) => new ICAL.Event(event).summary);
}

test('whatever is in a name, another program reads it as it was, from lines of at most 75 octets', (t) => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom(',', ';', '\\', '\n', ':', '"', ' ', 'ä', '€', '😀'), fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 })), minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 4 }), (name, summaries) => {
      const events = summaries.map((summary, index) => ({ uid: `${index}@example.org`, sequence: 1, start: at, end: '2026-11-21T08:30:00.000Z', summary, tentative: false }));
      const written = iCalendar({ name, at }, events);
      const lines = written.split('\r\n');
      return JSON.stringify(summariesIn(written)) === JSON.stringify(summaries) && lines.every((line) => Buffer.byteLength(line) <= 75 && !/[\r\n]/.test(line));
    }),
    { seed: 7, numRuns: 300 },
  );
  t.pass();
});

test('an event says when it is in UTC, how often it changed, and that it takes nobody’s time', (t) => {
  const text = iCalendar({ name: 'Environments', at }, [{ uid: 'bkg_1@example.org', sequence: 3, start: at, end: '2026-11-21T08:30:00.000Z', summary: 'One', tentative: true }]);
  for (const line of ['DTSTART:20261121T070000Z', 'DTEND:20261121T083000Z', 'SEQUENCE:3', 'STATUS:TENTATIVE', 'TRANSP:TRANSPARENT']) t.true(text.includes(`\r\n${line}\r\n`), line);
  t.true(text.startsWith('BEGIN:VCALENDAR\r\n') && text.endsWith('END:VCALENDAR\r\n'));
});
