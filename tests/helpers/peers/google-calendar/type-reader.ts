/** A type of the SDK's, as far as its generator writes them. */
export type Type =
  | { kind: 'string' | 'boolean' | 'number' }
  | { kind: 'list'; of: Type }
  | { kind: 'map'; of: Type }
  | { kind: 'object'; fields: Map<string, Type> }
  | { kind: 'schema'; name: string };

/** Reads the few forms of types that the generator writes. */
export class TypeReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** `{ name?: type; … }`, or `{ [key: string]: type; }`. */
  object(): Type {
    this.#expect(/\{/y);
    const fields = new Map<string, Type>();
    let map: Type | null = null;
    while (this.#take(/\}/y) === null) {
      if (this.#take(/\[key: string\]:/y) !== null) map = { kind: 'map', of: this.#type() };
      else {
        const name = this.#expect(/[\w$]+/y);
        this.#expect(/\??:/y);
        fields.set(name, this.#type());
      }
      this.#expect(/;/y);
    }
    return map ?? { kind: 'object', fields };
  }

  #type(): Type {
    let type: Type = { kind: 'string' };
    for (;;) {
      const one = this.#single();
      if (one !== null) type = one;
      if (this.#take(/\|/y) === null) return type;
    }
  }

  #single(): Type | null {
    let type: Type | null;
    if (/\s*\{/y.test(this.#text.slice(this.#at, this.#at + 20))) type = this.object();
    else {
      const name = this.#expect(/[\w$]+/y);
      if (name === 'null') type = null;
      else if (name === 'string' || name === 'boolean' || name === 'number') type = { kind: name };
      else if (name.startsWith('Schema$')) type = { kind: 'schema', name: name.slice('Schema$'.length) };
      else type = { kind: 'string' };
    }
    return this.#take(/\[\]/y) === null || type === null ? type : { kind: 'list', of: type };
  }

  #take(pattern: RegExp): string | null {
    const spaces = /\s*/y;
    spaces.lastIndex = this.#at;
    const from = this.#at + (spaces.exec(this.#text)?.[0].length ?? 0);
    pattern.lastIndex = from;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = from + found[0].length;
    return found[0];
  }

  #expect(pattern: RegExp): string {
    const found = this.#take(pattern);
    if (found === null) throw new Error(`expected ${pattern.source} at ${this.#text.slice(this.#at, this.#at + 60)}`);
    return found;
  }
}
