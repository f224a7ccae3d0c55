/**
 * Steps that take a while, shown on the terminal: what is being done, that it still runs, how long it took.
 * Old-compatible JavaScript: it runs on the machine's own Node, before this checkout has one.
 */
import { spawn } from 'node:child_process';

const STILL_MS = 10_000;

export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** @returns what `work` returned; says so when it failed. */
export async function step(title, work) {
  const begun = Date.now();
  const seconds = () => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
  say(`▸ ${title} …`);
  const still = setInterval(() => say(`  … still at it: ${title} (${seconds()})`), STILL_MS);
  try {
    const result = await work();
    say(`  done in ${seconds()}`);
    return result;
  } catch (error) {
    say(`  failed after ${seconds()}`);
    throw error;
  } finally {
    clearInterval(still);
  }
}

/**
 * Runs a program in this terminal and waits for it.
 * @returns its exit code; a signal counts as a failure.
 */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.on('error', (error) =>
      reject(new Error(`${file} could not be started: ${error.message}`, { cause: error })),
    );
    child.on('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}

/** As run(), but anything except 0 is an error. */
export async function mustRun(file, args, options = {}) {
  const code = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with code ${code}`);
}
