/** hold, resume and interrupt as commands, in front of a scripted host. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, cli, startCli } from '../../support/cli.ts';
import { type ControlFixture, controlFixture } from '../../support/control-fixture.ts';
import { eventually } from '../../support/eventually.ts';

let fixture: ControlFixture;

beforeEach(async () => {
  fixture = await controlFixture();
  fixture.host.set('alpha', {});
  fixture.host.set('gamma', { runtime: 'command' });
});
afterEach(() => fixture.close());

const aether = (...args: string[]): Promise<CliResult> => cli(['--state', fixture.stateDir, ...args]);
const hold = (held_ms: number | null) => ({ by: 'operator', since_ms: Date.now(), held_ms });

describe('hold', () => {
  it('says what is so, and resume ends it', async () => {
    const held = await aether('hold', 'alpha');
    expect(held).toMatchObject({ code: 0 });
    expect(held.stdout).toMatch(/^alpha is held/);
    expect((await aether('resume', 'alpha')).code).toBe(0);
    const none = await aether('resume', 'alpha');
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('alpha is neither held nor paused');
  });

  it('a plain command has no gate; one that fails keeps no other from being held', async () => {
    const both = await aether('hold', 'gamma', 'alpha');
    expect(both.code).not.toBe(0);
    expect(both.stderr).toContain('gamma has no gate, so it cannot be held');
    expect(both.stdout).toContain('alpha is held');
  });

  it('--wait returns once it stands still', async () => {
    fixture.host.hold = (name) => fixture.host.set(name, { activity: 'tool', hold: hold(null) });
    const running = startCli(['--state', fixture.stateDir, 'hold', 'alpha', '--wait']);
    await eventually('it is asked', () => fixture.host.agent('alpha').hold);
    fixture.host.set('alpha', { activity: 'thinking' });
    expect(running.child.exitCode).toBeNull();
    const evidence = { source: 'gate', grade: 'enforced' as const, what: 'Bash stands', at_ms: 1 };
    fixture.host.set('alpha', { activity: 'held', activityEvidence: evidence, hold: hold(1) });
    expect(await running.ended).toMatchObject({ code: 0, stdout: 'alpha is held: Bash stands\n' });
  });

  it('--wait fails when the time is up, or it is resumed meanwhile', async () => {
    fixture.host.hold = (name) => fixture.host.set(name, { activity: 'tool', hold: hold(null) });
    const late = await aether('hold', 'alpha', '--wait', '--timeout', '0.3');
    expect(late.code).toBe(1);
    expect(late.stdout).toContain('alpha is asked to hold; now: tool');
    fixture.host.set('alpha', { hold: null });
    const running = startCli(['--state', fixture.stateDir, 'hold', 'alpha', '--wait']);
    await eventually('it is asked', () => fixture.host.agent('alpha').hold);
    fixture.host.set('alpha', { activity: 'tool', hold: null });
    const { code, stdout } = await running.ended;
    expect(code).toBe(1);
    expect(stdout).toContain('alpha is not held any more');
  });
});

describe('interrupt', () => {
  it('cancels the turn', async () => {
    const { code, stdout } = await aether('interrupt', 'alpha');
    expect(code).toBe(0);
    expect(fixture.host.asked).toContain('interrupt alpha');
    expect(stdout).toContain('alpha is running');
  });
});

describe('ps', () => {
  it('shows a turn that does not move', async () => {
    fixture.host.set('alpha', {
      activity: 'thinking',
      stuck: { since_ms: 1, what: 'there was no progress for 10 min at the model' },
    });
    expect((await aether('ps')).stdout).toMatch(/alpha +claude-code +running +thinking \(stuck\)/);
    const [alpha] = JSON.parse((await aether('ps', '--json')).stdout) as { stuck: { what: string } }[];
    expect(alpha?.stuck.what).toContain('no progress');
  });
});
