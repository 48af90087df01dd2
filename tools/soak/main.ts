import { runSuite } from '../test/suite.ts';

// npm run soak [-- FILES]: the same tests at the sizes the issues state (seeds, racers, kills). May take hours.
process.exitCode = await runSuite({ name: 'npm run soak', files: process.argv.slice(2), environment: { ORRERY_SOAK: '1' }, avaFlags: ['--timeout=6h'] });
