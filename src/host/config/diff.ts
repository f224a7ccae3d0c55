/** What an edit of aether.yaml means for one agent: whether it takes a restart, and what of it waits for an operator. */
import { effectOf, FLEET_WAITS, keysOf, ruleOf, valueOfKey } from './edit-rules.ts';
import { canonicalJson } from './hash.ts';
import type { AgentConfig, FleetSettings } from './types.ts';

export interface ConfigDiff {
  action: 'add' | 'change' | 'restart' | 'remove' | 'none';
  /** Changed keys; [] for add, remove and none. */
  changed: string[];
  /** True when a running agent must be started again for it. */
  restarts: boolean;
  why: string;
}

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
  const changed = changedKeys(old, next);
  if (changed.length === 0) return { action: 'none', changed: [], restarts: false, why: 'nothing changed' };
  const restarting = changed.filter(
    (key) => effectOf(key, valueOfKey(old, key), valueOfKey(next, key)) === 'restart',
  );
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

function changedKeys(old: AgentConfig, next: AgentConfig): string[] {
  // `?? null`: a record stored by an older version may lack a key that was added since.
  const text = (config: AgentConfig, key: string) => canonicalJson(valueOfKey(config, key) ?? null);
  return keysOf(old, next).filter((key) => text(old, key) !== text(next, key));
}

export interface LiveEdit {
  /** What is applied, narrowed as far as the edit says. */
  config: AgentConfig;
  /** Keys that this narrows. */
  narrowed: string[];
  /** What is not applied by itself, and why. */
  waits: { key: string; why: string }[];
}

/**
 * What an edit does without an operator.
 * @param running its engine was started with `applied`, and a narrower start counts from its next one
 */
export function liveEdit(applied: AgentConfig, wanted: AgentConfig, running: boolean): LiveEdit {
  const config: Record<string, unknown> = { ...applied };
  const edit: LiveEdit = { config: config as unknown as AgentConfig, narrowed: [], waits: [] };
  for (const key of changedKeys(applied, wanted)) {
    const { narrowed, waits } = ruleOf(key);
    const [old, next] = [valueOfKey(applied, key), valueOfKey(wanted, key)];
    const effect = effectOf(key, old, next);
    // A value that only one of two versions knows cannot be compared.
    const value = old === undefined || next === undefined ? old : narrowed(old, next);
    const narrows = canonicalJson(value ?? null) !== canonicalJson(old ?? null);
    const whole = canonicalJson(value ?? null) === canonicalJson(next ?? null);
    const later = narrows && running && effect === 'restart';
    if (narrows && !later) {
      config[key] = value;
      edit.narrowed.push(key);
    }
    if (later) edit.waits.push({ key, why: 'narrows from its next start on' });
    if (!whole) edit.waits.push({ key, why: waits });
  }
  return edit;
}

/** Settings of the whole fleet that an edit changes; each waits for an operator. */
export function waitingSettings(applied: FleetSettings, wanted: FleetSettings): LiveEdit['waits'] {
  return (Object.keys(FLEET_WAITS) as (keyof FleetSettings)[])
    .filter((key) => canonicalJson(applied[key]) !== canonicalJson(wanted[key]))
    .map((key) => ({ key, why: FLEET_WAITS[key] }));
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
