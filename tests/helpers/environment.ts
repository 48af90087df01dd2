/** What the test run provides. Start tests through `npm test -- FILES`, or give these by hand. */
export function testEnvironment(name: 'ORRERY_TEST_DATABASE_URL' | 'ORRERY_TEST_TEMPORAL_ADDRESS' | 'ORRERY_TEST_BUNDLE'): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: run this file with \`npm test -- <file>\`, which starts the servers it needs`);
  }
  return value;
}

/** Full sizes instead of bounded ones: `npm run soak`. */
export const soak = process.env.ORRERY_SOAK === '1';
