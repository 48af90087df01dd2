import { ID_PREFIXES } from '../shared/ids.ts';

/** The alphabet of a TypeID's suffix, which is Crockford's base 32; base32hex has the same order of values. */
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';
const HEX = '0123456789abcdefghijklmnopqrstuv';
const SUFFIX_LENGTH = 26;
/** Thirty-five bits of seconds: enough until the year 3058. */
const GENERATION_LENGTH = 7;
const PREFIX = 'bkg';
const EVENT_ID = new RegExp(`^${PREFIX}([0-9a-v]{${SUFFIX_LENGTH}})([0-9a-v]{${GENERATION_LENGTH}})([0-9a-v]{1,4})$`);

/** What an event id of ours says. */
export interface EventIdParts {
  bookingId: string;
  /** Which connection of a calendar it was made under. */
  generation: number;
  /** Grows when Google has forgotten an event but keeps its id taken. */
  incarnation: number;
}

/**
 * The id of a booking's event: chosen by us, so that a repeated insertion is refused instead of making a
 * second event. Base32hex, 5 to 1024 characters, as Google asks.
 * https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
 */
export function eventIdOf({ bookingId, generation, incarnation }: EventIdParts): string {
  const suffix = bookingId.slice(ID_PREFIXES.booking.length + 1);
  return `${PREFIX}${translate(suffix, CROCKFORD, HEX)}${generation.toString(32).padStart(GENERATION_LENGTH, '0')}${incarnation.toString(32)}`;
}

/** What an event id says, or null for one that is not ours. */
export function partsOfEventId(eventId: string): EventIdParts | null {
  const [, suffix, generation, incarnation] = EVENT_ID.exec(eventId) ?? [];
  if (suffix === undefined || generation === undefined || incarnation === undefined) return null;
  return {
    bookingId: `${ID_PREFIXES.booking}_${translate(suffix, HEX, CROCKFORD)}`,
    generation: Number.parseInt(generation, 32),
    incarnation: Number.parseInt(incarnation, 32),
  };
}

/** The id of the event that a credential check tries a calendar with: the same for each attempt of the check. */
export function probeIdOf(checkId: string): string {
  return `prb${translate(checkId.slice(ID_PREFIXES['credential-check'].length + 1), CROCKFORD, HEX)}`;
}

function translate(text: string, from: string, to: string): string {
  return text.replaceAll(/./g, (character) => to[from.indexOf(character)] ?? '');
}
