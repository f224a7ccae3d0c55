/** Which edits take a restart. */
import { describe, expect, it } from 'vitest';
import { diffConfig } from '../../../src/host/config/diff.ts';
import type { AgentConfig } from '../../../src/host/config/types.ts';
import { agent } from './support.ts';

const base = agent('agents: { a: { runtime: claude-code, env: { A: x, B: y } } }');
const changed = (change: Partial<AgentConfig>): AgentConfig => ({ ...base, ...change });

describe('diffConfig', () => {
  it.each<[Partial<AgentConfig>]>([
    [{ runtime: 'builtin' }],
    [{ role: 'x' }],
    [{ template: 'coder' }],
    [{ model: 'opus' }],
    [{ workspace: '/elsewhere' }],
    [{ env: { A: 'x' } }],
    [{ auth: { env: 'X' } }],
    [{ inherit: { ...base.inherit, skills: true } }],
    [{ permissions: { ...base.permissions, mode: 'allow' } }],
    [{ command: ['x'] }],
    [{ limits: { steps_max: 3 } }],
    [{ replay: '/x' }],
  ])('restarts for %o', (change) => {
    const diff = diffConfig(base, changed(change));
    expect(diff).toMatchObject({ action: 'restart', restarts: true, changed: Object.keys(change) });
    expect(diff.why).toContain(Object.keys(change)[0]);
  });

  it.each<[Partial<AgentConfig>]>([
    [{ goal: 'x' }],
    [{ tools: [] }],
    [{ restart: { policy: 'never', attempts_max: 5 } }],
    [{ autostart: false }],
    [{ wake: false }],
    [{ watchdog: null }],
    [{ shared: true }],
  ])('applies %o without one', (change) => {
    expect(diffConfig(base, changed(change))).toMatchObject({
      action: 'change',
      restarts: false,
      changed: Object.keys(change),
    });
  });

  it('knows every key there is', () => {
    const keys = Object.keys(base).filter((key) => key !== 'name');
    const missed = keys.filter(
      (key) => diffConfig(base, { ...base, [key]: 'different' } as AgentConfig).action === 'none',
    );
    expect(missed).toEqual([]);
  });

  it('names every changed key, and restarts if one does', () => {
    expect(diffConfig(base, changed({ goal: 'x', model: 'y', wake: false }))).toMatchObject({
      action: 'restart',
      changed: ['model', 'goal', 'wake'],
      why: 'model is what the engine is started with',
    });
  });

  it('adds, removes and leaves alone', () => {
    expect(diffConfig(null, base)).toMatchObject({ action: 'add', restarts: false });
    expect(diffConfig(base, null)).toMatchObject({ action: 'remove', restarts: false });
    expect(diffConfig(null, null)).toMatchObject({ action: 'none' });
    const same = { ...structuredClone(base), env: { B: 'y', A: 'x' } };
    expect(diffConfig(base, same)).toEqual({
      action: 'none',
      changed: [],
      restarts: false,
      why: 'nothing changed',
    });
  });
});
