#!/usr/bin/env -S node --max-semi-space-size=4
import { run } from './run.js';

// `run` catches what is its own; this is for what nobody awaits. A stack trace is no use to a user.
process.on('uncaughtException', (error) => {
  process.stderr.write(`mailwitness: internal error: ${JSON.stringify(String(error.message))}\n`);
  process.exit(2);
});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  interrupts: process,
});
