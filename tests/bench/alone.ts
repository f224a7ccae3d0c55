/** Starts peers/lone-client.ts and waits for what it measured. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LonePlan, LoneResult } from './peers/lone-client.ts';

const PROGRAM = fileURLToPath(new URL('peers/lone-client.ts', import.meta.url));
const LIMIT_MS = 120_000;

/** @throws Error with what the client complained of */
export async function alone(plan: LonePlan): Promise<LoneResult> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', PROGRAM, JSON.stringify(plan)],
    { timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as LoneResult;
}
