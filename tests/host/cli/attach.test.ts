/** `aether attach` in a real terminal: typing, resizing, handing back with a note, and the terminal restored. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLI } from '../../support/cli.ts';
import { type ControlFixture, controlFixture } from '../../support/control-fixture.ts';
import { eventually } from '../../support/eventually.ts';

interface Pty {
  pid: number;
  onData(listener: (data: string) => void): unknown;
  onExit(listener: () => void): unknown;
  write(data: string): void;
  resize(cols: number, rows: number): void;
  kill(signal: string): void;
}
// The package is installed under an alias, by which its type declarations cannot be found.
const { spawn } = createRequire(import.meta.url)('node-pty') as {
  spawn(file: string, args: string[], options: object): Pty;
};

let fixture: ControlFixture;
const terminals: { pty: Pty; exited: boolean }[] = [];

beforeEach(async () => {
  fixture = await controlFixture();
  fixture.host.set('alpha', {});
});
afterEach(async () => {
  for (const one of terminals.splice(0)) if (!one.exited) one.pty.kill('SIGKILL');
  await fixture.close();
});

/** A shell around the command, as a person has one: what the terminal is like afterwards is asked of it. */
function attach(...args: string[]) {
  const command = [
    "'",
    process.execPath,
    "' '",
    CLI,
    "' --state '",
    fixture.stateDir,
    "' attach ",
    args.join(' '),
  ].join('');
  const pty = spawn(
    '/bin/sh',
    [
      '-c',
      `trap : INT; ${command}; echo "code $?"; stty -a | tr ';' '\\n' | grep -E 'icanon|echo '; echo end`,
    ],
    {
      cols: 100,
      rows: 30,
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', HOME: '/nonexistent' },
    },
  );
  const entry = { pty, exited: false };
  terminals.push(entry);
  let screen = '';
  pty.onData((data) => {
    screen += data;
  });
  const exit = new Promise<void>((resolve) =>
    pty.onExit(() => {
      entry.exited = true;
      resolve();
    }),
  );
  return {
    pty,
    screen: () => screen,
    shows: (text: string | RegExp) =>
      eventually(`the screen shows ${text}`, () =>
        typeof text === 'string' ? screen.includes(text) : text.test(screen),
      ),
    async ended() {
      await exit;
      return screen;
    },
  };
}

/** Canonical mode and echo, as the shell found them. */
const SANE = /\bicanon\b(?![\s\S]*-icanon)/;

describe('taking over', () => {
  it('types, resizes, hands back with a note, and leaves the terminal as it was', async () => {
    const terminal = attach('alpha');
    await terminal.shows('You hold alpha. Ctrl-] hands it back.');
    expect(fixture.host.agent('alpha').lease).toMatchObject({
      phase: 'held',
      holder: 'ada@tests',
    });
    terminal.pty.write('echo $((6*7))-here\r');
    await terminal.shows('42-here');
    terminal.pty.write('stty size\r');
    await terminal.shows('30 100');
    terminal.pty.resize(77, 22);
    await eventually('the size reaches the agent', () => fixture.host.agent('alpha').terminal.cols === 77);
    terminal.pty.write('stty size\r');
    await terminal.shows('22 77');
    terminal.pty.write('\x1d');
    await terminal.shows('Note for alpha (Enter for none): ');
    expect(terminal.screen()).toContain('Changed meanwhile (alpha is told): src/rates.ts');
    terminal.pty.write('mind the rates\r');
    const screen = await terminal.ended();
    expect(screen).toContain('Handed alpha back.');
    expect(screen).toContain('code 0');
    expect(screen).toMatch(SANE);
    expect(screen).toContain('\x1b[?1049l');
    expect(fixture.host.notes).toEqual(['mind the rates']);
  });

  it('what has no gate is not taken over to be handed back held', async () => {
    fixture.host.set('gamma', { runtime: 'command' });
    const screen = await attach('gamma', '--held').ended();
    expect(screen).toContain('gamma has no gate, so it cannot be handed back held.');
    expect(screen).not.toContain('code 0');
    expect(fixture.host.asked).toEqual([]);
  });

  it('Ctrl-C belongs to the agent; no note is asked twice; Enter is none', async () => {
    const terminal = attach('alpha');
    await terminal.shows('You hold alpha');
    terminal.pty.write('sleep 1000\r');
    await terminal.shows('sleep 1000');
    terminal.pty.write('\x03');
    terminal.pty.write('echo still-$((1+1))\r');
    await terminal.shows('still-2');
    terminal.pty.write('\x1b[93;5u');
    await terminal.shows('Note for alpha');
    terminal.pty.write('\r');
    expect(await terminal.ended()).toContain('code 0');
    expect(fixture.host.notes).toEqual([undefined]);
  });

  it('waits for the boundary and says for what; Ctrl-C gives up, and the floor goes back when it comes', async () => {
    fixture.host.set('alpha', { activity: 'tool', last: 'Bash: make test' });
    const terminal = attach('alpha');
    await terminal.shows('Waiting for Bash: make test (--now interrupts it) …');
    terminal.pty.write('\x03');
    await terminal.shows('Giving up');
    fixture.host.reachBoundary('alpha');
    expect(await terminal.ended()).toContain('code 130');
    expect(fixture.host.agent('alpha').lease).toBeNull();
  });

  it('--now does not wait', async () => {
    fixture.host.set('alpha', { activity: 'tool', last: 'Bash: make test' });
    const terminal = attach('alpha', '--now');
    await terminal.shows('You hold alpha');
    terminal.pty.write('\x1d');
    await terminal.shows('Note for alpha');
    terminal.pty.write('\x03');
    expect(await terminal.ended()).toContain('code 0');
    expect(fixture.host.agent('alpha').lease).toBeNull();
  });

  it('is refused while somebody else holds it, with who', async () => {
    await fixture.host.takeover('alpha', { holder: 'bea', when: 'now', cols: 80, rows: 24 });
    const screen = await attach('alpha').ended();
    expect(screen).toContain('bea holds alpha');
    expect(screen).toContain('code 1');
  });
});

describe('every way out restores the terminal', () => {
  it('the lease is taken away', async () => {
    const terminal = attach('alpha');
    await terminal.shows('You hold alpha');
    const { generation } = fixture.host.agent('alpha').lease!;
    await fixture.host.handback('alpha', { generation });
    const screen = await terminal.ended();
    expect(screen).toContain('You no longer hold alpha.');
    expect(screen).toContain('code 1');
    expect(screen).toMatch(SANE);
  });

  it('the host ends', async () => {
    const terminal = attach('alpha');
    await terminal.shows('You hold alpha');
    await fixture.door.close();
    const screen = await terminal.ended();
    expect(screen).toContain('code 1');
    expect(screen).toMatch(SANE);
  });

  it('the command is told to end: it hands back first', async () => {
    const terminal = attach('alpha');
    await terminal.shows('You hold alpha');
    process.kill(childOf(terminal.pty.pid), 'SIGTERM');
    const screen = await terminal.ended();
    expect(screen).toContain('Handed alpha back.');
    expect(screen).toMatch(SANE);
    expect(fixture.host.agent('alpha').lease).toBeNull();
  });
});

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

describe('watching', () => {
  it('shows, and neither types nor resizes', async () => {
    await fixture.host.takeover('alpha', { holder: 'bea', when: 'now', cols: 80, rows: 24 });
    const { generation } = fixture.host.agent('alpha').lease!;
    const terminal = attach('alpha', '--watch');
    await terminal.shows('Watching alpha');
    await terminal.shows('its terminal is 80×24; this window does not set the size');
    fixture.host.terminalWrite('alpha', generation, 'echo seen-$((2+3))\r');
    await terminal.shows('seen-5');
    terminal.pty.write('echo typed-$((4+4))\r');
    terminal.pty.resize(60, 20);
    fixture.host.terminalWrite('alpha', generation, 'echo after-$((3+3))\r');
    await terminal.shows('after-6');
    await terminal.shows('its terminal is 80×24, and this is a part of it');
    expect(fixture.host.agent('alpha').terminal).toMatchObject({ cols: 80, rows: 24 });
    terminal.pty.write('\x1d');
    const screen = await terminal.ended();
    expect(screen).not.toContain('typed-8');
    expect(screen).toContain('code 0');
    expect(screen).toMatch(SANE);
    expect(fixture.host.agent('alpha').lease).toMatchObject({ holder: 'bea' });
  });

  it('says what to do where there is no terminal', async () => {
    const screen = await attach('alpha', '--watch').ended();
    expect(screen).toContain('alpha has no terminal now');
    expect(screen).toContain('code 1');
  });
});
