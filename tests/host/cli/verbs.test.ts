/** The command against a scripted host behind the real control socket: output, exit codes, options, safety. */
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/host/cli/commands.ts';
import { type CliResult, cli, startCli } from '../../support/cli.ts';
import { type ControlFixture, controlFixture } from '../../support/control-fixture.ts';
import { eventually } from '../../support/eventually.ts';

let fixture: ControlFixture;

beforeEach(async () => {
  fixture = await controlFixture();
  fixture.host.set('alpha', { last: 'read rates.ts', pid: 4711 });
  fixture.host.set('beta', { state: 'failed', activity: null, pid: null });
});
afterEach(() => fixture.close());

const aether = (...args: string[]): Promise<CliResult> => cli(['--state', fixture.stateDir, ...args]);

/** What `aether VERB --help` prints, as its file declares it. */
async function helpOf(verb: string): Promise<string> {
  const program = new Command('aether');
  for (const { names, load } of COMMANDS) if (names.includes(verb)) (await load()).register(program);
  let printed = '';
  const command = program.commands.find((one) => one.name() === verb)!;
  command.configureOutput({ writeOut: (text) => (printed += text), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return printed;
}

describe('ps', () => {
  it('lists as JSON what a script needs', async () => {
    const { code, stdout } = await aether('ps', '--json');
    expect(code).toBe(0);
    const [alpha] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(alpha).toMatchObject({
      name: 'alpha',
      runtime: 'claude-code',
      state: 'running',
      activity: 'idle',
      run: 'run_alpha',
      pid: 4711,
      evidence: { source: 'shim', grade: 'enforced' },
    });
    expect(new Date(alpha!.since as string).toISOString()).toBe(alpha!.since);
  });

  it('lists as a table, without colour where it is no terminal', async () => {
    const { stdout } = await aether('ps');
    expect(stdout.split('\n')[0]).toMatch(/^NAME +RUNTIME +STATE +ACTIVITY/);
    expect(stdout).toMatch(/alpha +claude-code +running +idle/);
    expect(stdout).not.toContain('\x1b');
  });

  it('shows what an agent wrote as text: no escape, no line of its own', async () => {
    fixture.host.set('alpha', { last: 'ok\x1b]52;c;cm0gLXJm\x07\x1b[2J\nbeta  claude-code  running\u202e' });
    const { stdout } = await aether('ps');
    expect(stdout).not.toMatch(/[\x1b\x07\u202e]/);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  it('survives a reader that has enough', async () => {
    for (let n = 0; n < 400; n += 1) fixture.host.set(`agent-${n}`, { last: 'x'.repeat(1_000) });
    const running = startCli(['--state', fixture.stateDir, 'ps', '--json']);
    running.child.stdout!.once('data', () => running.child.stdout!.destroy());
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('options and exit codes', () => {
  it('takes -f and --state before and after the verb', async () => {
    const before = await cli(['-f', '/nowhere/aether.yaml', '--state', fixture.stateDir, 'ps', '--json']);
    const after = await cli(['ps', '--json', '-f', '/nowhere/aether.yaml', '--state', fixture.stateDir]);
    const nested = await cli(['approvals', '--state', fixture.stateDir, 'list', '--json']);
    expect([before.code, after.code, nested.code]).toEqual([0, 0, 0]);
    expect(after.stdout).toBe(before.stdout);
  });

  it('finds the host by AETHER_HOME, and --state wins over it', async () => {
    const found = await cli(['ps'], { env: { AETHER_HOME: fixture.stateDir } });
    const other = await cli(['ps', '--state', fixture.stateDir], { env: { AETHER_HOME: '/nowhere' } });
    expect([found.code, other.code]).toEqual([0, 0]);
  });

  it('3 where no host runs, and says how to start one', async () => {
    const { code, stderr } = await cli(['ps', '--state', '/nowhere/state']);
    expect(code).toBe(3);
    expect(stderr).toBe(
      'error: No host is running for /nowhere/state. Start one with `aether up --state nowhere/state`.\n',
    );
  });

  it.each([
    [['bogus'], /unknown command 'bogus'/],
    [['ps', '--bogus'], /unknown option '--bogus'/],
    [['stop'], /missing required argument 'agent'/],
    [['logs', 'alpha', '--last', '-3'], /--last/],
    [['logs', 'alpha', '--since', 'yesterday'], /--since is a time/],
    [['logs', 'alpha', '--grep', '('], /not a regular expression/],
    [['logs', 'alpha', '--raw', '-t'], /not lines/],
    [['logs', 'alpha', 'beta'], /one agent or all/],
    [['inject', 'alpha', 'hi', '--priority', 'soon'], /--priority is one of now, next, later/],
    [['up', '-f', '/nowhere/aether.yaml'], /There is no configuration at \/nowhere\/aether.yaml/],
    [['attach', 'alpha'], /attach needs a terminal/],
    [
      ['mcp', '--as', 'Not A Name'],
      /cannot be the name of a client.* 1 to 63 of a-z, 0-9 and -.*--as not-a-name/,
    ],
    [['mcp', '--as', 'a.b_c'], /--as a-b-c/],
    [['approvals', 'lst'], /unknown command 'lst'\n\(Did you mean list\?\)\nSee `aether approvals --help`/],
    [['mail', 'akc', 'x'], /unknown command 'akc'\n\(Did you mean ack\?\)/],
    [['help', 'strat'], /unknown command 'strat'\n\(Did you mean (start|stop)\?\)/],
    [['stop', '--fast', 'alpha'], /See `aether stop --help`/],
  ])('2 for %j', async (args, message) => {
    const { code, stderr } = await aether(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('every verb has --help with an example', async () => {
    const { stdout, code } = await cli(['--help']);
    expect(code).toBe(0);
    const verbs = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[| <)/gm)].map((match) => match[1]!);
    expect(verbs).toEqual(
      expect.arrayContaining(
        'init plan up apply ps logs run inject attach start stop kill restart approvals console mcp down doctor'.split(
          ' ',
        ),
      ),
    );
    // One in the program, all of them here: a process for each costs more than what it prints.
    const logs = await cli(['logs', '--help']);
    expect([logs.code, logs.stdout]).toEqual([0, await helpOf('logs')]);
    for (const verb of verbs.filter((name) => name !== 'help')) {
      const help = await helpOf(verb);
      expect(help).toMatch(/Examples?:\n {2}\$ /);
      expect(help).toContain('--state <dir>');
    }
  });

  it('1 where the host refuses, with its reason; the others in the list are done', async () => {
    const { code, stderr, stdout } = await aether('start', 'alpha', 'nobody', 'beta');
    expect(code).toBe(1);
    expect(stderr).toMatch(/alpha .*already/);
    expect(stderr).toContain('There is no agent "nobody".');
    expect(stdout).toBe('beta is running, pid 4242\n');
  });
});

describe('lifecycle', () => {
  it('stop, kill and restart reach the host', async () => {
    await aether('restart', 'alpha');
    await aether('kill', 'alpha');
    const { stdout } = await aether('start', 'alpha', '--fresh', '--goal', 'again');
    expect(stdout).toBe('alpha is running, pid 4242\n');
    expect(fixture.host.asked).toEqual(['restart alpha', 'kill alpha', 'start alpha']);
  });
});

describe('approvals', () => {
  it('lists, answers by the beginning of an id, and refuses a wrong kind of answer', async () => {
    const permission = fixture.host.ask({
      agent: 'alpha',
      kind: 'permission',
      title: 'Bash',
      detail: { tool: 'Bash', input: { command: 'make\x1b[2J deploy' } },
    });
    const question = fixture.host.ask({
      agent: 'beta',
      kind: 'question',
      title: 'Which year?',
      detail: { question: 'Which year?', choices: ['2024', '2025'] },
    });
    const list = await aether('approvals');
    expect(list.stdout).toContain(permission.id);
    expect(list.stdout).toContain('$  make<\\x1b[2J> deploy');
    expect(list.stdout).toContain('! 1 terminal escape sequence');
    expect(list.stdout).toContain('choices: 2024 · 2025');
    expect(list.stdout).not.toContain('\x1b');

    const wrong = await aether('approvals', 'answer', permission.id, 'maybe');
    expect(wrong.code).toBe(2);
    const deny = await aether('approvals', 'answer', permission.id.slice(0, 8), 'deny', 'not', 'today');
    expect(deny.stdout).toBe('Answered alpha: deny: not today\n');
    await aether('approvals', 'answer', question.id, '2024');
    const all = JSON.parse((await aether('approvals', 'list', '--all', '--json')).stdout) as object[];
    expect(all).toMatchObject([
      { state: 'answered', answer: { allow: false, text: 'not today' }, answeredBy: 'operator' },
      { state: 'answered', answer: { text: '2024' } },
    ]);
    expect((await aether('approvals')).stdout).toBe('Nothing waits for you.\n');
    expect((await aether('approvals', 'answer', 'zzz', 'allow')).code).toBe(1);
    const late = await aether('approvals', 'answer', question.id, '2025');
    expect(late.stderr).toContain(`${question.id} is answered already by operator: 2024. Tell beta`);
    const nobody = await aether('approvals', 'list', '--agent', 'alpah');
    expect([nobody.code, nobody.stdout]).toEqual([1, '']);
  });
});

describe('mail', () => {
  it('lists what was written to the operator, safely, and acknowledges it', async () => {
    const message = (id: string, body: string) => ({
      id,
      from: 'agent:alpha' as const,
      to: 'operator',
      subject: 'The rates',
      body,
      replyTo: null,
      sent_ms: fixture.host.now(),
      acked_ms: null,
    });
    fixture.host.mail.push(
      message('0198a1-1', 'They differ.\x1b[2J\nBy 2 %.'),
      message('0198a1-2', 'Again.'),
    );
    const { stdout } = await aether('mail');
    expect(stdout).toContain('0198a1-1  from agent:alpha');
    expect(stdout).toContain('    They differ.<\\x1b[2J>\n    By 2 %.\n');
    expect((await aether('mail', 'ack', '0198a1')).stderr).toContain('2 unread messages have an id');
    expect((await aether('mail', 'ack', '0198a1-1')).stdout).toBe('1 acknowledged.\n');
    expect((await aether('mail')).stdout).not.toContain('0198a1-1');
    const all = JSON.parse((await aether('mail', 'list', '--all', '--json')).stdout) as { id: string }[];
    expect(all.map(({ id }) => id)).toEqual(['0198a1-2', '0198a1-1']);
    await aether('mail', 'ack', '0198a1-2');
    expect((await aether('mail')).stdout).toBe('No unread mail.\n');
  });
});

describe('logs', () => {
  it('shows the transcript, safely', async () => {
    fixture.host.emit('message.user', 'alpha', { text: 'Compare the rates' });
    fixture.host.emit('tool.called', 'alpha', { tool: 'Read', input: { file: 'rates.ts' } });
    fixture.host.emit('tool.finished', 'alpha', { text: 'a\nb\x1b]0;title\x07', isError: false });
    fixture.host.emit('message.assistant', 'alpha', { text: 'They differ.\nBy 2 %.' });
    fixture.host.emit('turn.ended', 'alpha', { outcome: 'done' });
    fixture.host.emit('usage.recorded', 'alpha', {});
    const { stdout } = await aether('logs', 'alpha');
    const text = stdout.replace(/^\d\d:\d\d:\d\d /gm, '');
    expect(text).toBe(
      '› Compare the rates\n→ Read {"file":"rates.ts"}\n← a\n← b\nThey differ.\nBy 2 %.\n— turn done\n',
    );
    const json = (await aether('logs', 'alpha', '--json', '--last', '2')).stdout.trim().split('\n');
    expect(json.map((line) => (JSON.parse(line) as { topic: string }).topic)).toEqual([
      'turn.ended',
      'usage.recorded',
    ]);
  });

  it('--last counts what is shown', async () => {
    fixture.host.emit('message.assistant', 'alpha', { text: 'one' });
    fixture.host.emit('message.assistant', 'alpha', { text: 'two' });
    for (let count = 0; count < 5; count += 1) fixture.host.emit('activity.changed', 'alpha', {});
    const { stdout } = await aether('logs', 'alpha', '--last', '2');
    expect(stdout).toMatch(/one\n.*two\n$/);
  });

  it('--grep and times leave out the rest, back beyond a page', async () => {
    const at = Date.parse('2026-01-02T03:04:05Z');
    for (let n = 0; n < 1_200; n += 1)
      fixture.host.emit(
        'message.assistant',
        'alpha',
        { text: n % 600 === 0 ? `Needle ${n}` : 'hay' },
        at + n * 1_000,
      );
    const shown = async (...args: string[]) => (await aether('logs', 'alpha', ...args)).stdout;
    expect(await shown('--grep', 'needle', '-t')).toBe(
      '2026-01-02T03:04:05.000Z Needle 0\n2026-01-02T03:14:05.000Z Needle 600\n',
    );
    expect(await shown('--grep', 'Needle', '-n', '1')).toMatch(/^\d\d:\d\d:\d\d Needle 600\n$/);
    expect(await shown('--grep', 'NEEDLE')).toBe('');
    const until = '2026-01-02T03:04:06Z';
    expect((await shown('--since', '2026-01-02T03:04:05Z', '--until', until)).split('\n')).toHaveLength(3);
    expect((await shown('-n', 'all')).split('\n')).toHaveLength(1_201);
  });

  it('follows until Ctrl-C', async () => {
    const running = startCli(['--state', fixture.stateDir, 'logs', '-f']);
    await eventually('it follows', () => fixture.host.followers === 1);
    fixture.host.emit('message.assistant', 'alpha', { text: 'hello' });
    await eventually('it shows it', () => running.stdout().includes('alpha hello'));
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });
});

describe('inject', () => {
  it('sends, and waits for the stage it was asked for', async () => {
    const running = startCli(
      ['--state', fixture.stateDir, 'inject', 'alpha', '-', '--wait', 'seen', '--json'],
      {
        input: 'from stdin',
      },
    );
    const id = await eventually('the message', () => fixture.host.injections('alpha')[0]?.id);
    expect(fixture.host.injections('alpha')[0]).toMatchObject({ text: 'from stdin', priority: 'next' });
    fixture.host.advance(id, 'delivered');
    fixture.host.advance(id, 'seen');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'seen' });
  });

  it('fails when the stage is not reached in time, or never can be', async () => {
    const late = await aether('inject', 'alpha', 'hi', '--wait', 'delivered', '--timeout', '0.3');
    expect(late.code).toBe(1);
    expect(late.stdout).toContain('queued');
    fixture.host.set('gamma', { runtime: 'command' });
    const never = await aether('inject', 'gamma', 'hi', '--wait', 'seen');
    expect(never.code).toBe(2);
    expect(never.stderr).toContain('Use --wait delivered.');
  });
});

describe('run', () => {
  it('starts the agent, sends the text, shows the turn that read it, and tells how it ended', async () => {
    fixture.host.set('beta', { state: 'stopped' });
    const running = startCli(['--state', fixture.stateDir, 'run', 'beta', '--', 'sum', 'it', 'up']);
    const id = await eventually('the message', () => fixture.host.injections('beta')[0]?.id);
    expect(fixture.host.injections('beta')[0]!.text).toBe('sum it up');
    // The turn that was running when the message came is not the one.
    fixture.host.emit('turn.ended', 'beta', { outcome: 'done' });
    fixture.host.advance(id, 'delivered');
    fixture.host.emit('message.assistant', 'beta', { text: 'reading it' });
    fixture.host.advance(id, 'seen');
    await eventually('the text', () => running.stdout().includes('reading it'));
    expect(running.child.exitCode).toBeNull();
    fixture.host.emit('turn.ended', 'beta', { outcome: 'done' });
    expect((await running.ended).code).toBe(0);
  });

  it('1 when the turn failed, 2 when there is no turn to wait for', async () => {
    const running = startCli(['--state', fixture.stateDir, 'run', 'alpha', '--', 'go']);
    const id = await eventually('the message', () => fixture.host.injections('alpha')[0]?.id);
    fixture.host.advance(id, 'seen');
    fixture.host.emit('turn.ended', 'alpha', { outcome: 'failed', text: 'no credit' });
    const failed = await running.ended;
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('— turn failed no credit');
    expect((await aether('run', 'alpha')).code).toBe(2);
  });

  it('a plain command has no turns: its exit is the end', async () => {
    fixture.host.set('gamma', { runtime: 'command' });
    const running = startCli(['--state', fixture.stateDir, 'run', 'gamma']);
    await eventually('it follows', () => fixture.host.followers === 1);
    fixture.host.set('gamma', { activity: 'thinking' });
    fixture.host.emit('run.exited', 'gamma', { code: 7, signal: null, cause: 'exited' });
    expect((await running.ended).code).toBe(1);
  });
});

describe('mcp', () => {
  it('is refused inside a run, before anything is started', async () => {
    const { code, stdout, stderr } = await cli(['mcp', '--as', 'x', '--state', fixture.stateDir], {
      env: { AETHER_RUN: 'run_abc' },
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('it already has its own aether_* tools');
  });
});
