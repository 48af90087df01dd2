export default {
  files: ['{domain,db,commands,workflows,activities,api,providers,workers,tools,bench,tests}/**/*.test.ts', 'config.test.ts'],
  extensions: ['ts'],
  timeout: '120s',
  concurrency: 2,
  workerThreads: false,
};
