import test from 'ava';
import { requireLocalPath } from './oidc.ts';

for (const path of ['https://evil.test/', '//evil.test', '/\\evil.test', '\\\\evil.test', '/\t/evil.test', '/a\nb', 'projects', '', 'javascript:alert(1)', '/ä', '/x\\..\\y']) {
  test(`${JSON.stringify(path)} is no place to come back to`, (t) => {
    t.throws(() => requireLocalPath(path), { code: 'identity.foreign-return' });
  });
}

for (const path of ['/', '/projects', '/projects?state=active&x=//y#part', '/@evil.test', '/.//evil.test']) {
  test(`${path} stays on the platform`, (t) => {
    t.is(new URL(requireLocalPath(path), 'https://orrery.test').host, 'orrery.test');
  });
}
