import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { filesReaching } from './reaching.ts';

test('a test is found by what it imports, directly or through others, also where imports form a circle', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-reaching-'));
  const files = {
    'peer.ts': '',
    'helper.ts': "import { a } from './peer.ts';\nimport type { C } from './circle.ts';\n",
    'circle.ts': "import { b } from './helper.ts';\n",
    'direct.test.ts': "const { a } = await import('./peer.ts');\n",
    'sub/through.test.ts': "import {\n  b,\n} from '../circle.ts';\n",
    'sub/apart.test.ts': "import test from 'ava';\nimport { x } from '../other.ts';\n",
  };
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    t.deepEqual(filesReaching(root, 'peer.ts'), ['direct.test.ts', join('sub', 'through.test.ts')]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
