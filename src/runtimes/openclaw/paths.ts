/** Where one OpenClaw keeps what. Nothing outside these two directories and the workspace is its own. */
import { join } from 'node:path';
import type { EngineState, RunPlace } from '../runtime.ts';

/** A conversation is named after the run that began it; OpenClaw writes its keys in lower case. */
const SESSION = /^[a-z0-9][a-z0-9_-]{0,99}$/;

export interface Paths {
  home: string;
  tmp: string;
  /** OPENCLAW_STATE_DIR: conversations, in databases. */
  state: string;
  config: string;
  terminalConfig: string;
  settings: string;
  /** The directory of the plugin's manifest. */
  gate: string;
  /** What OpenClaw calls its workspace, where the agent's own is not to be read for instructions and skills. */
  own: string;
  /** Where the gateway is started. */
  start: string;
}

export function pathsOf(place: RunPlace): Paths {
  return {
    home: join(place.agentDir, 'home'),
    tmp: join(place.agentDir, 'tmp'),
    state: join(place.agentDir, 'openclaw'),
    config: join(place.runDir, 'openclaw.json'),
    terminalConfig: join(place.runDir, 'openclaw-terminal.json'),
    settings: join(place.runDir, 'openclaw-driver.json'),
    gate: join(place.runDir, 'openclaw-gate'),
    own: join(place.agentDir, 'openclaw-workspace'),
    start: place.runDir,
  };
}

/** The conversation that was reported, or a new one. */
export function sessionOf(place: RunPlace, state: EngineState | null): string {
  const known = state?.session ?? '';
  return SESSION.test(known) ? known : place.run.toLowerCase().replace(/[^a-z0-9_-]/g, '-');
}

export const sessionKeyOf = (session: string): string => `agent:main:aether-${session}`;

/**
 * In the state directory and HOME, from where the gateway would load code, settings or rights, and which the agent can
 * write. All of it is removed before each start, because nothing of it is ours.
 */
const CLEARED = [
  '.env',
  'openclaw.json',
  'extensions',
  'npm',
  'plugins',
  'tmp',
  'hooks',
  'exec-approvals.json',
  'credentials',
];

export function leftovers(place: RunPlace): string[] {
  const { state, home } = pathsOf(place);
  return [
    ...CLEARED.map((name) => join(state, name)),
    join(home, '.openclaw'),
    join(home, '.config', 'openclaw'),
  ];
}
