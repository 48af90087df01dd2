import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { alibabaPermissions } from '../domain/data-sources/alibaba-permissions.ts';
import { awsPermissionText } from '../domain/data-sources/aws-permissions.ts';
import { azurePermissionText } from '../domain/data-sources/azure-permissions.ts';
import type { PermissionText } from '../domain/data-sources/cloud-ports.ts';
import { gcpPermissions } from '../domain/data-sources/gcp-permissions.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trimEnd().split('\n');

for (const document of documents) {
  test(`every link of ${document} to a file leads somewhere`, (t) => {
    const targets = [...read(document).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
    t.deepEqual(targets.filter((target) => !existsSync(join(root, dirname(document), target))), []);
  });
}

test('the index of decisions lists each of them under its title', (t) => {
  const index = read('docs/adr/README.md');
  for (const file of readdirSync(join(root, 'docs', 'adr')).filter((name) => /^\d{4}-/.test(name))) {
    const [, number = '', title = ''] = /^# (\d{4}) (.*)$/m.exec(read(join('docs/adr', file))) ?? [];
    t.is(file.slice(0, 4), number);
    t.true(index.includes(`- [${number}](${file}) ${title}\n`), file);
  }
});

test('every domain has its map', (t) => {
  for (const domain of readdirSync(join(root, 'domain')).filter((name) => name !== 'shared')) {
    t.true(existsSync(join(root, 'domain', domain, 'README.md')), domain);
    t.true(read(join('domain', domain, 'README.md')).split('\n').length <= 41, domain);
  }
});

const PERMISSIONS: Record<string, PermissionText> = {
  AWS: awsPermissionText(null),
  Azure: azurePermissionText(null),
  'Google Cloud': gcpPermissions(),
  'Alibaba Cloud': alibabaPermissions(null),
};

for (const [cloud, text] of Object.entries(PERMISSIONS)) {
  test(`docs/power.md names what the policy for ${cloud} has for starting and stopping`, (t) => {
    const named = (purpose: string) => text.permissions.filter((one) => one.purpose === purpose).map(({ name }) => `\`${name}\``).join(', ');
    t.true(read('docs/power.md').includes(`| ${cloud} | ${named('start')} | ${named('stop')} |`), `${named('start')} ${named('stop')}`);
  });
}
