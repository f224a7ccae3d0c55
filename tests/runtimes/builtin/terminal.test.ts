/** The terminal mode in a real PTY, between two lives of the structured mode. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { Observed, TerminalProcess } from '../../support/drive.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, resultsIn, saidIn, startModelServer } from '../../support/model-server/server.ts';
import { LoopDesk, LoopProcess, runtime } from './loop-process.ts';

let server: ModelServer;
let desk: LoopDesk;
let terminal: TerminalProcess | undefined;
let loop: LoopProcess | undefined;

beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());
beforeEach(() => {
  desk = new LoopDesk();
});
afterEach(async () => {
  await terminal?.stop();
  await loop?.stop();
  terminal = undefined;
  loop = undefined;
  desk.remove();
});

const PROMPT = '›';

function agent(overrides: Partial<AgentSpec> = {}): AgentSpec {
  return desk.loopAgent({
    env: { ANTHROPIC_BASE_URL: server.url },
    auth: { ANTHROPIC_API_KEY: 'sk-ant-dummy-of-the-terminal' },
    ...overrides,
  });
}

async function open(overrides: Partial<AgentSpec> = {}): Promise<TerminalProcess> {
  const state = { session: desk.place.run };
  const spec = await runtime.terminal!(agent(overrides), desk.place, state, { cols: 100, rows: 30 });
  const observed = new Observed(runtime, state);
  terminal = new TerminalProcess(spec, observed, runtime.tail!(agent(overrides), desk.place, state));
  await terminal.shows('/help, /exit');
  await terminal.shows(PROMPT);
  return terminal;
}

const call = (input: unknown) => `[[call run_command ${JSON.stringify(input)}]]`;

test('what a person types joins the conversation, and the structured mode goes on with it', async () => {
  loop = await LoopProcess.start(desk, agent({ goal: `${call({ command: 'echo seven' })}[[say before]]` }));
  await loop.turnEnd();
  await loop.stop();

  const screen = await open();
  await screen.shows('● run_command echo seven');
  await screen.shows('before');
  await screen.type(`${call({ command: 'echo eight' })}[[say I ran it]]`);
  await screen.shows('● run_command');
  await screen.shows('eight');
  await screen.shows(`I ran it${PROMPT}`);
  await screen.observed.waitFor('activity', (event) => event.activity === 'idle');
  expect(screen.observed.find('message', (event) => event.role === 'user')?.text).toContain('echo eight');
  expect(screen.observed.find('tool-result')?.text).toBe('eight');
  await screen.type('/help');
  await screen.shows('interrupt the running turn');
  await screen.type('/exit');
  expect((await screen.exited).code).toBe(0);

  loop = await LoopProcess.start(desk, agent(), { note: 'handed back [[say thanks]]' });
  expect((await loop.turnEnd()).text).toBe('thanks');
  const request = server.requests.at(-1)!;
  for (const text of ['echo eight', 'I ran it', 'handed back']) expect(saidIn(request)).toContain(text);
  expect(resultsIn(request)).toEqual(['seven', 'eight']);
});

test('Ctrl-C interrupts the turn and the tool; the person goes on typing', async () => {
  const screen = await open();
  await screen.type(call({ command: 'echo > began; sleep 300; echo > ended' }));
  await eventually('the command runs', () => existsSync(join(desk.workspace, 'began')));
  screen.press('\x03');
  await screen.shows('Interrupted.');
  await screen.type('[[say still here]]');
  await screen.shows(`still here${PROMPT}`);
  expect(screen.observed.find('turn-ended')).toMatchObject({ outcome: 'interrupted' });
  expect(existsSync(join(desk.workspace, 'ended'))).toBe(false);
});

test('a permission is asked on the screen, and only a plain yes lets the tool run', async () => {
  const screen = await open({ permissions: { mode: 'ask', allow: [], deny: [] } });
  await screen.type(`${call({ command: 'echo > first' })}${call({ command: 'echo > second' })}[[say asked]]`);
  await screen.shows('Allow run_command?');
  await screen.shows('[y/n]');
  screen.press('sure\r');
  await screen.shows('y or n:');
  expect(existsSync(join(desk.workspace, 'first'))).toBe(false);
  screen.press('n\r');
  await screen.shows('The operator did not allow it.');
  await screen.shows('● run_command echo > second Allow run_command? [y/n]');
  screen.press('y\r');
  await screen.shows(`asked${PROMPT}`);
  expect(existsSync(join(desk.workspace, 'first'))).toBe(false);
  expect(existsSync(join(desk.workspace, 'second'))).toBe(true);
});

test('half a draft is no answer, and comes back after the question', async () => {
  const screen = await open({ permissions: { mode: 'ask', allow: [], deny: [] } });
  await screen.type(`[[wait 700]]${call({ command: 'echo > file' })}[[say asked]]`);
  await server.waitFor((request) => saidIn(request).includes('[[wait 700]]'));
  screen.press('yes and the rest of my thought');
  await screen.shows('[y/n]');
  screen.press('\r');
  await screen.shows('y or n:');
  screen.press('n\r');
  await screen.shows(`asked${PROMPT} yes and the rest of my thought`);
  expect(existsSync(join(desk.workspace, 'file'))).toBe(false);
});

test('escape sequences of a tool or a model do not reach the terminal', async () => {
  const screen = await open();
  await screen.type(`${call({ command: "printf 'a\\033]0;owned\\007b\\033[2Jc'" })}[[say x]]`);
  await screen.shows(`x${PROMPT}`);
  expect(screen.raw).not.toContain('\x1b]0;');
  expect(screen.raw).not.toContain('\x1b[2J');
  await screen.shows('abc');
});

test('SIGTERM leaves politely in the middle of a turn, with the tool recorded', async () => {
  const screen = await open();
  await screen.type(call({ command: 'echo > began; sleep 300' }));
  await eventually('the command runs', () => existsSync(join(desk.workspace, 'began')));
  expect((await screen.stop()).code).toBe(143);
  terminal = undefined;
  expect(desk.entries().at(-1)).toMatchObject({ type: 'turn', outcome: 'interrupted' });
});
