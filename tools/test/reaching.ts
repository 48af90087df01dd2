import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g;

/** Test files below `root` whose imports lead to `target`; all paths relative to `root`. */
export function filesReaching(root: string, target: string): string[] {
  const wanted = resolve(root, target);
  const imports = new Map<string, string[]>();
  const importsOf = (file: string): string[] => {
    const known = imports.get(file) ?? readImports(file);
    imports.set(file, known);
    return known;
  };
  const reaches = (start: string): boolean => {
    const seen = new Set([start]);
    for (const file of seen) for (const imported of importsOf(file)) seen.add(imported);
    return seen.has(wanted);
  };
  const tests = globSync('**/*.test.ts', { cwd: root, exclude: (name) => name.includes('node_modules') });
  return tests.filter((file) => reaches(resolve(root, file))).toSorted();
}

function readImports(file: string): string[] {
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => resolve(dirname(file), match[1] ?? ''));
}
