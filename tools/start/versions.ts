/** Compares dotted versions by number; a suffix such as `-rc.1` is ignored. */
export function isOlder(version: string, minimum: string): boolean {
  const parts = (text: string) => text.split('-', 1)[0]?.split('.').map(Number) ?? [];
  const [have, need] = [parts(version), parts(minimum)];
  for (let index = 0; index < need.length; index += 1) {
    const difference = (have[index] ?? 0) - (need[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Takes the output of `temporal --version` apart: `temporal version 1.8.2 (Server 1.32.0, UI 2.50.1)`. */
export function parseVersions(output: string): { cliVersion: string; serverVersion: string } | null {
  const match = /temporal version (\S+) \(Server ([^,)]+)/.exec(output);
  return match?.[1] === undefined || match[2] === undefined ? null : { cliVersion: match[1], serverVersion: match[2] };
}
