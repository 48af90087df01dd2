import { randomBytes } from 'node:crypto';
import { newId } from '../../commands/shared/new-id.ts';
import { ID_PREFIXES, type IdKind } from '../../domain/shared/ids.ts';
import type { Statement } from '../recording.ts';
import type { FleetEnvironment } from './booking-fleet.ts';

/** What was booked when the statements were recorded. */
export interface RecordedBooking {
  statements: Statement[];
  environment: FleetEnvironment;
  since: string;
  until: string;
}

/** What a booking makes, whose ids are new each time. */
const MADE: readonly IdKind[] = ['booking', 'ledger-entry', 'mail'];
const KIND_OF = new Map(MADE.map((kind) => [ID_PREFIXES[kind] as string, kind]));
const MADE_ID = new RegExp(String.raw`\b(${MADE.map((kind) => ID_PREFIXES[kind]).join('|')})_[0-9a-z]{26}\b`, 'g');
/** A mail's key: 128 bits of a hash. */
const MAIL_KEY = /^[0-9a-f]{32}$/;

/** Statements of a recorded booking for another environment and period, with new ids. */
export function replayer(recorded: RecordedBooking): (wish: Omit<RecordedBooking, 'statements'>) => Statement[] {
  const numbers = recorded.statements.flatMap(({ bindings }) => bindings).filter((value) => value === recorded.environment.key);
  if (numbers.length === 0) throw new Error(`no statement has the environment's number, ${recorded.environment.key}`);
  return (wish) => {
    const ids = new Map<string, string>();
    const words: [string, string][] = [
      [recorded.environment.id, wish.environment.id],
      [`"environmentKey":${recorded.environment.key},`, `"environmentKey":${wish.environment.key},`],
      [recorded.environment.name, wish.environment.name],
      [recorded.since, wish.since],
      [recorded.until, wish.until],
      [inWords(recorded.since), inWords(wish.since)],
      [inWords(recorded.until), inWords(wish.until)],
    ];
    const fresh = (value: unknown): unknown => {
      if (value === recorded.environment.key) return wish.environment.key;
      if (Array.isArray(value)) return value.map(fresh);
      if (typeof value !== 'string') return value;
      if (MAIL_KEY.test(value)) return randomBytes(16).toString('hex');
      const text = words.reduce((done, [from, to]) => done.replaceAll(from, to), value);
      return text.replaceAll(MADE_ID, (id, prefix: string) => known(ids, id, () => newId(KIND_OF.get(prefix) ?? 'booking')));
    };
    return recorded.statements.map(({ sql, bindings }) => ({ sql, bindings: bindings.map(fresh) }));
  };
}

function known(ids: Map<string, string>, id: string, make: () => string): string {
  const made = ids.get(id) ?? make();
  ids.set(id, made);
  return made;
}

/** As mails have instants. */
function inWords(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
