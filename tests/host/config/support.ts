/** A directory of its own per test, and configurations written into it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { loadConfig } from '../../../src/host/config/load.ts';
import type { AgentConfig, Config } from '../../../src/host/config/types.ts';
import { AetherError } from '../../../src/host/errors.ts';

const made: string[] = [];

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** Removed after the test. Its real path, as the temporary directory may be a link. */
export function tempDir(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'aether-config-')));
  made.push(dir);
  return dir;
}

/** @returns the path of the written file */
export function writeConfig(text: string | Buffer, dir = tempDir()): string {
  const file = join(dir, 'aether.yaml');
  writeFileSync(file, text);
  return file;
}

export function writeFile(file: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return file;
}

export function load(text: string, dir = tempDir()): Config {
  return loadConfig(writeConfig(text, dir), { home: join(dir, 'home') });
}

/** The only agent of a configuration, or the one of that name. */
export function agent(text: string, name?: string): AgentConfig {
  const found = load(text).agents.find((one) => name === undefined || one.name === name);
  if (!found) throw new Error(`no agent ${name}`);
  return found;
}

export interface Refusal {
  code: string;
  line: number;
  column: number;
  message: string;
  next: string;
  problems: { code: string; path: string; line: number; column: number; message: string; next: string }[];
  more: number;
}

/** Loads what must be refused, and checks what every refusal has in common. */
export function refusal(text: string | Buffer, dir = tempDir()): Refusal {
  const file = writeConfig(text, dir);
  return refusalOf(file, () => loadConfig(file, { home: join(dir, 'home') }));
}

export function refusalOf(file: string, load: () => unknown): Refusal {
  try {
    load();
  } catch (error) {
    if (!(error instanceof AetherError)) throw error;
    const details = error.details as unknown as Omit<Refusal, 'code' | 'message' | 'next'> & { file: string };
    if (error.who !== 'config') throw new Error(`who is ${error.who}`);
    if (details.file !== file) throw new Error(`details.file is ${details.file}`);
    const place = `${file}:${details.line}:${details.column}: `;
    if (!error.message.startsWith(place))
      throw new Error(`the message does not begin with ${place}: ${error.message}`);
    if (error.next === '') throw new Error('next is empty');
    return { ...details, code: error.code, message: error.message.slice(place.length), next: error.next };
  }
  throw new Error('it was accepted');
}
