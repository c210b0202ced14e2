#!/usr/bin/env node
/** The `cloze` command as a process: streams, exit code, and whatever error no one caught. */
import { complain, runCommand } from './program.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output, `head` for one, has seen enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const fail = (error: unknown) => {
  complain(process.stderr, error);
  process.exit(1);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

process.exitCode = await runCommand(process.argv.slice(2), process);
