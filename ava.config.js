export default {
  files: ['{domain,db,commands,workflows,activities,api,providers,workers,tools,bench,tests}/**/*.test.ts', 'config.test.ts'],
  extensions: ['ts'],
  timeout: '120s',
  concurrency: 2,
  workerThreads: false,
  // Room for what loading the platform leaves behind, or a tenth of each process's time goes into collecting it.
  nodeArguments: ['--min-semi-space-size=16'],
};
