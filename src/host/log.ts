/**
 * The host's own log (pino, JSON lines). Secrets never reach it: callers log ids and counts, and the keys
 * below are removed as a second fence.
 */
import { pino } from 'pino';

export type Log = pino.Logger;

const REDACTED = ['env', '*.env', 'token', '*.token', 'key', 'apiKey', '*.apiKey', 'authorization', 'cookie'];

/** @param file where to append; `undefined` is silent (tests). */
export function openLog(file: string | undefined, level = process.env.AETHER_LOG_LEVEL ?? 'info'): Log {
  if (file === undefined) return pino({ level: 'silent' });
  return pino(
    { level, redact: { paths: REDACTED, remove: true }, base: { pid: process.pid } },
    pino.destination({ dest: file, mkdir: true, sync: true, mode: 0o600 }),
  );
}
