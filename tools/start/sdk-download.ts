import { TestWorkflowEnvironment } from '@temporalio/testing';

// Usage: sdk-download.ts DIRECTORY VERSION. The SDK has no call that only downloads, so its server is started and
// stopped once; the executable stays in DIRECTORY.
const [directory, version] = process.argv.slice(2);
if (directory === undefined || version === undefined) throw new Error('Usage: sdk-download.ts DIRECTORY VERSION');
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: directory, version, ttl: '3650 days' } },
});
await environment.teardown();
