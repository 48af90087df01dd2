import { runSuite } from './suite.ts';

// npm test [-- FILES]: everything, or only the tests in the named files.
process.exitCode = await runSuite({ name: 'npm test', files: process.argv.slice(2), environment: {} });
