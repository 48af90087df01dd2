import type { Instant } from '../../domain/shared/time.ts';

/** An event that takes nobody's time: a line in the calendar of whoever looks. */
export interface CalendarEvent {
  /** Globally unique, for ever the same. */
  uid: string;
  /** Raised by each change. */
  sequence: number;
  start: Instant;
  end: Instant;
  summary: string;
  tentative: boolean;
}

/** RFC 5545, section 3.1: a line has at most 75 octets, its end apart. */
const LINE_OCTETS = 75;

/**
 * A calendar as RFC 5545 writes it, in UTC, to be asked for again every five minutes. Written here because feeds hold
 * ten thousand events and more, for which general libraries take a second.
 */
export function iCalendar({ name, at }: { name: string; at: Instant }, events: readonly CalendarEvent[]): string {
  const lines = [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Orrery//Environments//EN', 'METHOD:PUBLISH',
    `NAME:${escaped(name)}`, `X-WR-CALNAME:${escaped(name)}`, 'REFRESH-INTERVAL;VALUE=DURATION:PT5M', 'X-PUBLISHED-TTL:PT5M',
  ];
  const stamp = dateTime(at);
  for (const { uid, sequence, start, end, summary, tentative } of events) {
    lines.push(
      'BEGIN:VEVENT', `UID:${uid}`, `SEQUENCE:${sequence}`, `DTSTAMP:${stamp}`, `DTSTART:${dateTime(start)}`, `DTEND:${dateTime(end)}`,
      `SUMMARY:${escaped(summary)}`, 'TRANSP:TRANSPARENT', 'X-MICROSOFT-CDO-BUSYSTATUS:FREE', `STATUS:${tentative ? 'TENTATIVE' : 'CONFIRMED'}`, 'END:VEVENT',
    );
  }
  lines.push('END:VCALENDAR', '');
  return lines.map(folded).join('\r\n');
}

/** `20261121T070000Z`: whole seconds, which is all that iCalendar has. */
function dateTime(instant: Instant): string {
  return `${instant.slice(0, 4)}${instant.slice(5, 7)}${instant.slice(8, 13)}${instant.slice(14, 16)}${instant.slice(17, 19)}Z`;
}

/** Section 3.3.11; other control characters have no place in a text. */
function escaped(text: string): string {
  if (!/[\\;,\p{Cc}]/u.test(text)) return text;
  return text.replaceAll(/[\\;,]/g, String.raw`\$&`).replaceAll(/\r\n|\r|\n/g, String.raw`\n`).replaceAll(/\p{Cc}/gu, ' ');
}

/** A long line goes on after a space on the next one; a character is never split. */
function folded(line: string): string {
  // A character has three octets at most for each of its units.
  if (line.length * 3 <= LINE_OCTETS || Buffer.byteLength(line) <= LINE_OCTETS) return line;
  let text = '';
  let octets = 0;
  for (const character of line) {
    const more = Buffer.byteLength(character);
    if (octets + more > LINE_OCTETS) {
      text += '\r\n ';
      octets = 1;
    }
    text += character;
    octets += more;
  }
  return text;
}
