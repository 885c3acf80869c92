import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tests that start the program, other programs or threads, or read all recorded captures. All others are units. */
export const WHOLE_PROGRAM = [
  'test/cli/**/*.test.ts',
  'test/live/{agreement,dashboard,keeping,monitor,stream,wire}.test.ts',
  'test/evidence/**/*.test.ts',
  'test/witness/**/*.test.ts',
  'test/capture/{decompress,public,source}.test.ts',
  'test/compare/{compare,pairing}.test.ts',
  'test/facts/session-flags.test.ts',
  'test/report/**/{display-filter,html-browser}.test.ts',
  'test/stream/{twin,witness}.test.ts',
  'test/smtp/credentials.test.ts',
  'test/{bad-input,captures,changes-log,commit-subjects,mutants,skipped-tests,truth,whole-program}.test.ts',
];

export default defineConfig({
  test: {
    // Two files at a time on a machine of two cores: of its own, vitest would leave one to watching for changes.
    maxWorkers: availableParallelism(),
    // Far longer than any test takes: on a machine that is busy with other things none fails for want of time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', './test/support/skipped-tests.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'units', include: ['test/**/*.test.ts'], exclude: WHOLE_PROGRAM, isolate: false },
      },
      {
        extends: true,
        test: { name: 'program', include: WHOLE_PROGRAM, globalSetup: './test/support/build.ts' },
      },
    ],
  },
});
