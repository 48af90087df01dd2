import { DomainError } from '../../../domain/shared/errors.ts';

/** Where in a file something is wrong. Lines count from 1 with the header as line 1; rows of Parquet from 1. */
export interface FilePlace {
  key: string;
  line?: number;
  row?: number;
  column?: string;
}

/** A bill's content that cannot be read exactly: nothing of the period is taken over. */
export function badContent(code: string, place: FilePlace, problem: string, remedy?: string, cause?: unknown): DomainError {
  const { key, line, row, column } = place;
  const where = [
    key,
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(', ');
  return new DomainError({
    kind: 'invalid-input',
    code,
    message: `${where}: ${problem}. ${remedy ?? 'Have AWS deliver the period again, or correct the file.'}`,
    details: {
      file: key,
      ...(line !== undefined && { line }),
      ...(row !== undefined && { row }),
      ...(column !== undefined && { column }),
    },
    cause,
  });
}

/** At most 60 characters of a value, for a message. */
export function excerpt(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
