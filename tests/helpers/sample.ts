/** A schema of the OpenAPI document, as far as samples need it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  minimum?: number;
  minLength?: number;
  format?: string;
  pattern?: string;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

const BY_FORMAT: Record<string, string> = {
  'date-time': '2026-11-01T00:00:00Z',
  date: '2026-11-01',
  email: 'somebody@example.org',
  uri: 'https://example.org/',
};

/** A value that a schema accepts, with required fields only; `resolve` follows references. */
export function sampleOf(schema: Schema, resolve: (reference: string) => Schema): unknown {
  if (schema.$ref !== undefined) return sampleOf(resolve(schema.$ref), resolve);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const alternative = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (alternative !== undefined) return sampleOf(alternative, resolve);
  if (schema.allOf !== undefined) return Object.assign({}, ...schema.allOf.map((part) => sampleOf(part, resolve)));
  const [type] = [schema.type ?? 'null'].flat();
  if (type === 'object') {
    const required = (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, resolve)]);
    return Object.fromEntries(required);
  }
  if (type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, resolve));
  if (type === 'string') return BY_FORMAT[schema.format ?? ''] ?? 'x'.repeat(Math.max(1, schema.minLength ?? 0));
  if (type === 'number' || type === 'integer') return schema.minimum ?? 1;
  if (type === 'boolean') return false;
  return null;
}
