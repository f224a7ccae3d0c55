/**
 * Messages to programs on terminals, through the whole host: a screen that takes pastes as one, a real shell, programs
 * that read lines, and a known program that asks. What each has read says what was typed.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InjectionView } from '../../src/host/api.ts';
import { descendants } from '../../src/host/process/proc.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';

const SCREEN = fileURLToPath(new URL('../fixtures/programs/paste-screen.mjs', import.meta.url));
const TEXT = 'first line\nsecond ünï 🚀\n\x1b[201~\x03third';
const READER = 'echo hello; while read -r line; do echo "$line" >>read; done';

let fleet: LiveFleet;
beforeAll(async () => {
  const command = (argv: string[], more: object = {}) => ({ runtime: 'command', command: argv, ...more });
  fleet = await LiveFleet.make({
    agents: {
      screen: command([process.execPath, SCREEN]),
      known: command([process.execPath, SCREEN, '300'], { adapter: 'codex' }),
      shell: command(['bash', '--norc', '--noprofile', '-i']),
      lines: command(['sh', '-c', READER]),
      joined: command(['sh', '-c', READER], { multiline: 'join' }),
      typed: command(['sh', '-c', READER], { multiline: 'type' }),
    },
  });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close());

const workspace = (agent: string) => join(fleet.project, 'workspaces', agent);

function read(agent: string): string {
  try {
    return fs.readFileSync(join(workspace(agent), 'read'), 'utf8');
  } catch {
    return ''; // nothing yet
  }
}

const pieces = (agent: string): string[] =>
  read(agent)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as string);

const say = (agent: string, text: string) => fleet.withHost((host) => host.call('inject', { agent, text }));
const receipt = (agent: string, { id }: InjectionView) =>
  fleet.withHost(async (host) => (await host.call('injections', { agent })).find((one) => one.id === id)!);

const delivered = (agent: string, message: InjectionView) =>
  eventually(
    `${agent} has it`,
    async () => {
      const view = await receipt(agent, message);
      return view.state === 'delivered' ? view : null;
    },
    60_000,
  );

test('a screen that takes pastes: one paste, then Enter, and the receipt says so', async () => {
  await fleet.until('screen', 'drawn', ({ activity }) => activity === 'unknown');
  const { steps } = await delivered('screen', await say('screen', TEXT));
  expect(steps.at(-1)!.evidence).toMatch(
    /^pasted as one .*, and Enter sent separately, .*; 2 control characters were left out; the shim/,
  );
  // The terminal has all of it; the program writes down what it has read a moment later.
  await eventually('Enter', () => pieces('screen').at(-1) === '\r', 10_000);
  const got = pieces('screen');
  // A terminal may hand it over in pieces; nothing but the paste is in them.
  expect(got.slice(0, -1).join('')).toBe('\x1b[200~first line\rsecond ünï 🚀\r[201~third\x1b[201~');

  // A long one, of more than a terminal holds at once, is one as well.
  const long = Array.from({ length: 2_000 }, (_, index) => `line ${index}`).join('\n');
  await delivered('screen', await say('screen', long));
  const later = () => pieces('screen').slice(got.length);
  await eventually('Enter', () => later().at(-1) === '\r', 10_000);
  const all = later();
  expect(all.slice(0, -1).join('')).toBe(`\x1b[200~${long.replaceAll('\n', '\r')}\x1b[201~`);
});

test('a real shell runs all of it by one Enter', async () => {
  await delivered('shell', await say('shell', 'echo one >>read\necho two >>read'));
  await eventually('it ran', () => read('shell') === 'one\ntwo\n', 10_000);
});

test('several lines to a program of lines: refused at once, joined, or typed, as it is configured', async () => {
  for (const agent of ['lines', 'joined', 'typed'])
    await fleet.until(agent, 'printed', ({ activity }) => activity === 'unknown');
  await expect(say('lines', 'a\nb')).rejects.toMatchObject({
    code: 'inject.multiline',
    next: expect.stringContaining('multiline: join'),
  });
  await delivered('lines', await say('lines', 'alone'));
  await eventually('the line', () => read('lines') === 'alone\n', 10_000);

  const joined = await delivered('joined', await say('joined', 'a\n b\nc'));
  expect(joined.steps.at(-1)!.evidence).toMatch(/^its 3 lines were typed as one/);
  await eventually('one line', () => read('joined') === 'a b c\n', 10_000);
  await delivered('typed', await say('typed', 'a\nb'));
  await eventually('two lines', () => read('typed') === 'a\nb\n', 10_000);
});

test('a known program gets nothing while it asks; the receipt says why; its keys interrupt it', async () => {
  const { pid } = await fleet.until('known', 'its prompt', ({ activity }) => activity === 'idle');
  // In a box it is the innermost.
  const program = descendants(pid!).at(-1)?.pid ?? pid!;
  process.kill(program, 'SIGUSR2');
  await fleet.until('known', 'asking', ({ activity }) => activity === 'waiting-for-operator');
  const message = await say('known', 'yes');
  await eventually(
    'it waits',
    async () =>
      (await receipt('known', message)).steps.some(({ evidence }) =>
        /waits: codex waits for a choice/.test(evidence),
      ),
    10_000,
  );
  expect(pieces('known')).toEqual([]);
  process.kill(program, 'SIGUSR1');
  await delivered('known', message);
  expect(pieces('known')).toEqual(['\x1b[200~yes\x1b[201~', '\r']);

  await fleet.act('interrupt', 'known');
  await eventually('Escape', () => pieces('known').at(-1) === '\x1b', 10_000);
  const refused = await fleet.cli(['interrupt', 'screen']);
  expect(refused.stderr).toMatch(/no structured channel.*`adapter:`/);
});
