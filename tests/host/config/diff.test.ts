/** Which edits take a restart, and which wait for an operator. */
import { describe, expect, it } from 'vitest';
import { diffConfig, liveEdit } from '../../../src/host/config/diff.ts';
import type { AgentConfig, SandboxConfig } from '../../../src/host/config/types.ts';
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
    [{ limits: { steps_max: 3 } }],
    [{ sandbox: { ...base.sandbox!, debug: true } }],
    [{ network: 'host' }],
    [{ network: ['127.0.0.1:5432'] }],
    [{ ports: [5173] }],
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
    [{ network: 'none' }],
    [{ network: ['example.com'] }],
  ])('applies %o without one', (change) => {
    expect(diffConfig(base, changed(change))).toMatchObject({
      action: 'change',
      restarts: false,
      changed: Object.keys(change),
    });
  });

  it('looks into the keys of its runtime, also in a record that has none', () => {
    const old = changed({ options: { command: ['x'] } });
    const diff = diffConfig(old, changed({ options: { command: ['x', '-y'] } }));
    expect(diff).toMatchObject({ action: 'restart', changed: ['command'] });
    const { options: _none, ...older } = base;
    expect(diffConfig({ ...older, command: ['x'] } as unknown as AgentConfig, old).action).toBe('none');
  });

  it('knows every key there is', () => {
    const keys = Object.keys(base).filter((key) => key !== 'name' && key !== 'options');
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

describe('liveEdit', () => {
  const full = agent(`agents:
  a:
    runtime: builtin
    model: anthropic:x
    tools: [aether_mail_send, aether_report]
    permissions: { mode: ask, allow: [Read, Bash], deny: [WebFetch] }
    restart: { policy: on-failure, attempts: 5 }
    limits: { steps_max: 10 }
    watchdog: { after: 10m, action: report }
    sandbox: { read: [/srv/a], write: [/srv/b, /srv/c], debug: true }`);
  const edit = (change: Partial<AgentConfig>, running = false) =>
    liveEdit(full, { ...full, ...change }, running);
  const permissions = (change: Partial<AgentConfig['permissions']>) => ({
    permissions: { ...full.permissions, ...change },
  });

  const sandbox = (change: Partial<SandboxConfig>) => ({ sandbox: { ...full.sandbox!, ...change } });

  it.each<[string, Partial<AgentConfig>]>([
    ['a stronger sandbox', sandbox({ kind: 'bubblewrap' })],
    ['a sandbox that is required', sandbox({ required: true })],
    ['a path less to write', sandbox({ write: ['/srv/c'] })],
    ['no toolchains, no debuggers', sandbox({ toolchains: false, debug: false })],
    ['a tool taken away', { tools: ['aether_report'] }],
    ['every tool taken away', { tools: [] }],
    ['a deny more', permissions({ deny: ['Bash', 'WebFetch'] })],
    ['an allow less', permissions({ allow: ['Read'] })],
    ['a stricter mode', permissions({ mode: 'deny' })],
    ['a lower limit', { limits: { steps_max: 9 } }],
    ['fewer restarts', { restart: { policy: 'never', attempts_max: 2 } }],
    ['later at once', { restart: { policy: 'on-failure', attempts_max: 5, stable_ms: 60_000 } }],
    ['no start by mail', { wake: false }],
    ['no start with the fleet', { autostart: false }],
    ['a closer watch', { watchdog: { after_ms: 60_000, action: 'report' } }],
  ])('applies %s', (_what, change) => {
    expect(edit(change)).toEqual({
      config: { ...full, ...change },
      narrowed: Object.keys(change),
      waits: [],
    });
  });

  it.each<[string, Partial<AgentConfig>]>([
    ['no sandbox', sandbox({ kind: 'none' })],
    ['a path more to write', sandbox({ write: ['/srv/b', '/srv/c', '/srv/d'] })],
    ['a path more to read', sandbox({ read: ['/srv/a', '/srv/d'] })],
    // It may protect what lies in a directory to write.
    ['a path less to read', sandbox({ read: [] })],
    ['another engine', { runtime: 'claude-code' }],
    ['other words', { goal: 'x' }],
    ['another role', { role: 'x' }],
    ['a template', { template: 'coder' }],
    ['another model', { model: 'openai:x' }],
    ['another directory', { workspace: '/elsewhere' }],
    ['a directory shared', { shared: true }],
    ['a variable', { env: { A: 'x' } }],
    ['a log-in', { auth: { env: 'X' } }],
    ['the user’s own setup', { inherit: { ...full.inherit, skills: true } }],
    ['a grant', { tools: ['aether_mail_send', 'aether_report', 'aether_memory_get'] }],
    ['every grant', { tools: null }],
    ['a looser mode', permissions({ mode: 'allow' })],
    ['an allow more', permissions({ allow: ['Read', 'Bash', 'Write'] })],
    ['a deny less', permissions({ deny: [] })],
    ['a higher limit', { limits: { steps_max: 11 } }],
    ['no limit', { limits: { steps_max: null } }],
    ['more restarts', { restart: { policy: 'always', attempts_max: 9 } }],
    ['sooner at once', { restart: { policy: 'on-failure', attempts_max: 5, stable_ms: 1_000 } }],
    ['no watch', { watchdog: null }],
    ['a slower watch', { watchdog: { after_ms: 900_000, action: 'report' } }],
    ['a watch that acts', { watchdog: { after_ms: 60_000, action: 'restart' } }],
  ])('lets %s wait', (_what, change) => {
    const { config, narrowed, waits } = edit(change);
    expect({ config, narrowed }).toEqual({ config: full, narrowed: [] });
    expect(waits.map(({ key }) => key)).toEqual(Object.keys(change));
  });

  it('lets the keys of its runtime wait, with their reason', () => {
    const { config, waits } = edit({ options: { replay: '/x', command: ['x'] } });
    expect(config).toEqual(full);
    expect(waits).toEqual([
      { key: 'replay', why: 'changes it' },
      { key: 'command', why: 'runs another program' },
    ]);
  });

  it('lets a key that it has no rule for wait', () => {
    const change = { novelty: false } as Partial<AgentConfig>;
    expect(edit(change)).toMatchObject({ narrowed: [], waits: [{ key: 'novelty' }] });
    expect(diffConfig(full, { ...full, ...change })).toMatchObject({ action: 'restart' });
  });

  it('parts an edit that narrows and widens one key', () => {
    const { config, waits } = edit({
      tools: ['aether_report', 'aether_memory_get'],
      ...permissions({ mode: 'deny', allow: ['Write', 'Read'], deny: ['Bash'] }),
    });
    expect(config.tools).toEqual(['aether_report']);
    expect(config.permissions).toEqual({ mode: 'deny', allow: ['Read'], deny: ['Bash', 'WebFetch'] });
    expect(waits.map(({ key }) => key)).toEqual(['permissions', 'tools']);
  });

  it('leaves what an engine is started with for its next start', () => {
    const change = { tools: [], ...permissions({ mode: 'deny' }) };
    expect(edit(change, true)).toEqual({
      config: { ...full, tools: [] },
      narrowed: ['tools'],
      waits: [{ key: 'permissions', why: 'narrows from its next start on' }],
    });
    expect(edit(change, false)).toMatchObject({ waits: [] });
  });
});
