import test from 'ava';
import { LONGEST_NAME, LONGEST_VALUE, mergeProperties, MOST_PROPERTIES } from './properties.ts';

const refused = (code: string) => ({ name: 'DomainError', code });

test('a write is merged: what it names changes, null takes away, the rest stays', (t) => {
  const { properties, changes } = mergeProperties({ IP: '10.0.0.1', Software: 'v1', Note: 'x' }, { IP: '10.0.0.2', Note: null, Branch: 'main' });
  t.deepEqual(properties, { IP: '10.0.0.2', Software: 'v1', Branch: 'main' });
  t.deepEqual(changes, { IP: { old: '10.0.0.1', new: '10.0.0.2' }, Note: { old: 'x', new: null }, Branch: { old: null, new: 'main' } });
});

test('writing what is there, or taking away what is not, changes nothing', (t) => {
  const current = { IP: '10.0.0.1' };
  const merged = mergeProperties(current, { IP: '10.0.0.1', Note: null });
  t.is(merged.properties, current);
  t.deepEqual(merged.changes, {});
});

test('names and values may be so long and no longer, and refusals name the property', (t) => {
  const [name, value] = ['n'.repeat(LONGEST_NAME), 'v'.repeat(LONGEST_VALUE)];
  t.deepEqual(mergeProperties({}, { [name]: value }).properties, { [name]: value });
  t.throws(() => mergeProperties({}, { [`${name}n`]: 'x' }), refused('environments.property-name'));
  t.throws(() => mergeProperties({}, { ' IP': 'x' }), refused('environments.property-name'));
  t.throws(() => mergeProperties({}, { '': 'x' }), refused('environments.property-name'));
  const error = t.throws(() => mergeProperties({}, { IP: `${value}v` }, 'body'), refused('environments.property-value'));
  t.regex(error?.message ?? '', /^body\.IP: has 2001 characters/);
});

test('there may be a hundred properties, and a full environment still takes changes and removals', (t) => {
  const full = Object.fromEntries(Array.from({ length: MOST_PROPERTIES }, (_, index) => [`p${index}`, 'x']));
  t.throws(() => mergeProperties(full, { more: 'x' }), refused('environments.too-many-properties'));
  t.is(mergeProperties(full, { p0: 'y' }).properties.p0, 'y');
  t.is(Object.keys(mergeProperties(full, { p0: null, more: 'x' }).properties).length, MOST_PROPERTIES);
});

test('a property may be called as objects’ own things are', (t) => {
  const patch = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
  const { properties } = mergeProperties({}, patch);
  t.deepEqual(Object.entries(properties), [['__proto__', 'a'], ['constructor', 'b']]);
});
