import test from 'ava';
import { requireUsablePassword } from './user.ts';

const ADA = { email: 'ada.lovelace@engines.example', displayName: 'Ada Lovelace' };
const COMMON = new Set(['password', 'qwertyuiop', 'iloveyou', '1q2w3e4r5t6y', 'abc']);
const judge = (password: string) => () => requireUsablePassword(password, ADA, (text) => COMMON.has(text));

for (const password of ['1q2w3e4r5t6y', 'Password12345', '!!iloveyou!!2026', 'passwordpassword', 'abcabcabcabc', 'aaaaaaaaaaaa', '010101010101']) {
  test(`${password} is common, decorated or repeated`, (t) => {
    t.throws(judge(password), { code: 'identity.weak-password' });
  });
}

for (const password of ['ada.lovelace@engines.example', 'AdaLovelace1', 'Lovelace-Orrery', 'orrery-orrery-12', 'ada lovelace password']) {
  test(`${password} is what a guesser of this account begins with`, (t) => {
    t.throws(judge(password), { code: 'identity.weak-password' });
  });
}

for (const password of ['correct horse battery', 'a new long password', '馬は正しい電池の主食です', 'Adamant vellum 9', 'x7-Qm2_vLp9Kd']) {
  test(`${password} is taken: no rule asks for kinds of characters`, (t) => {
    t.notThrows(judge(password));
  });
}
