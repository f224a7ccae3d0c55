/** What an edit of aether.yaml means for one agent, and whether it takes a restart. */
import { canonicalJson } from './hash.ts';
import type { AgentConfig } from './types.ts';

export interface ConfigDiff {
  action: 'add' | 'change' | 'restart' | 'remove' | 'none';
  /** Changed keys; [] for add, remove and none. */
  changed: string[];
  /** True when a running agent must be started again for it. */
  restarts: boolean;
  why: string;
}

/** Keys the engine is started with, and those the host reads when it needs them. */
const TAKES_EFFECT: Record<Exclude<keyof AgentConfig, 'name'>, 'restart' | 'live'> = {
  runtime: 'restart',
  template: 'restart',
  role: 'restart',
  model: 'restart',
  workspace: 'restart',
  env: 'restart',
  auth: 'restart',
  inherit: 'restart',
  permissions: 'restart',
  command: 'restart',
  limits: 'restart',
  replay: 'restart',
  // The first message of the next conversation.
  goal: 'live',
  // Grants are checked by the host at every call.
  tools: 'live',
  restart: 'live',
  autostart: 'live',
  wake: 'live',
  watchdog: 'live',
  shared: 'live',
};

/** @param old what is applied; null: nothing. @param next what the file says; null: it is not in the file. */
export function diffConfig(old: AgentConfig | null, next: AgentConfig | null): ConfigDiff {
  if (next === null)
    return old === null
      ? { action: 'none', changed: [], restarts: false, why: 'not configured' }
      : {
          action: 'remove',
          changed: [],
          restarts: false,
          why: 'no longer in the configuration: it is stopped and forgotten',
        };
  if (old === null)
    return {
      action: 'add',
      changed: [],
      restarts: false,
      why: next.autostart ? 'new: it is started' : 'new: it waits for `aether start`',
    };
  const keys = Object.keys(TAKES_EFFECT) as (keyof typeof TAKES_EFFECT)[];
  // `?? null`: a record stored by an older version may lack a key that was added since.
  const changed = keys.filter((key) => canonicalJson(old[key] ?? null) !== canonicalJson(next[key] ?? null));
  if (changed.length === 0) return { action: 'none', changed: [], restarts: false, why: 'nothing changed' };
  const restarting = changed.filter((key) => TAKES_EFFECT[key] === 'restart');
  if (restarting.length > 0)
    return {
      action: 'restart',
      changed,
      restarts: true,
      why: `${list(restarting)} ${restarting.length === 1 ? 'is' : 'are'} what the engine is started with`,
    };
  return {
    action: 'change',
    changed,
    restarts: false,
    why: changed.includes('goal')
      ? `${list(changed)}: no restart; the goal counts from the next conversation on`
      : `${list(changed)}: no restart`,
  };
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
