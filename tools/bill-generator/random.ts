/** A source of numbers that gives the same sequence for the same seed on every machine. */
export interface Random {
  /** At least 0, below 1. */
  fraction(): number;
  /** An integer, at least 0 and below `limit`. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
}

/** Doty-Humphrey's sfc32 (PractRand): 32-bit integer arithmetic only, so no platform differs. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 15; i += 1) next();
  const fraction = (): number => next() / 0x1_0000_0000;
  const below = (limit: number): number => Math.floor(fraction() * limit);
  return {
    fraction,
    below,
    pick: <T>(values: readonly T[]): T => {
      const value = values[below(values.length)];
      if (value === undefined) throw new RangeError('cannot pick from an empty list');
      return value;
    },
    hex: (digits) => {
      let text = '';
      while (text.length < digits) text += next().toString(16).padStart(8, '0');
      return text.slice(0, digits);
    },
  };
}
