/** Any program in a terminal: what it is told, what is observed of it, and how it ends. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandRuntime as runtime } from '../../../src/runtimes/command/runtime.ts';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { Desk, Observed } from '../../support/drive.ts';
import { PtyProgram } from './pty-program.ts';

let desk: Desk;
let program: PtyProgram | undefined;
beforeEach(() => {
  desk = new Desk();
});
afterEach(async () => {
  await program?.kill();
  program = undefined;
  desk.remove();
});

async function start(script: string, overrides: Partial<AgentSpec> = {}): Promise<PtyProgram> {
  const agent = desk.agent(runtime, { options: { command: ['/bin/sh', '-c', script] }, ...overrides });
  program = new PtyProgram(await runtime.prepare(agent, desk.place, null, null), new Observed(runtime));
  return program;
}

test('it is told who it is, where the tools are and what to do, and gets nothing else', async () => {
  const shown = await start('env | sort; pwd; test -t 0 && test -t 1 && echo on a terminal', {
    goal: 'count the ships',
    env: { EXTRA: 'given' },
  });
  await shown.shows('on a terminal');
  for (const line of [
    `AETHER_MCP_COMMAND=${desk.place.mcpCommand}`,
    'AETHER_AGENT=tester',
    'AETHER_RUN=r_test',
    'AETHER_GOAL=count the ships',
    'EXTRA=given',
    `HOME=${desk.place.agentDir}`,
    desk.workspace,
  ]) {
    await shown.shows(line);
  }
  const names = [...shown.output.matchAll(/^(\w+)=/gm)].map((match) => match[1]!);
  const ofTheShell = ['_', 'OLDPWD', 'PWD', 'SHLVL', 'COLUMNS', 'LINES'];
  expect(names.filter((name) => !ofTheShell.includes(name)).sort()).toEqual([
    'AETHER_AGENT',
    'AETHER_GOAL',
    'AETHER_MCP_COMMAND',
    'AETHER_RUN',
    'COLORTERM',
    'EXTRA',
    'HOME',
    'LANG',
    'PATH',
    'TERM',
    'TMPDIR',
  ]);
});

test('AETHER_MCP_COMMAND is one program without arguments that serves the tools', async () => {
  const { command, args } = desk.place.mcp;
  mkdirSync(desk.place.runDir);
  writeFileSync(desk.place.mcpCommand, `#!/bin/sh\nexec ${command} ${args.join(' ')}\n`, { mode: 0o755 });
  const request = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
  const shown = await start(`echo '${request}' | "$AETHER_MCP_COMMAND"`);
  await shown.shows('aether_echo');
});

test('a message is typed, line by line as it is, and controls are not keys', async () => {
  const shown = await start('echo ready; while read -r line; do echo "<$line>"; done');
  await shown.shows('ready');
  const from = (text: string) => shown.write(runtime.message({ id: 'm', text, priority: 'next' }).data);
  from('hello there');
  await shown.shows('<hello there>');
  from('two\r\nlines');
  await shown.shows('<two>');
  await shown.shows('<lines>');
  from('not \x03 an \x1b[A interrupt\x04');
  await shown.shows('<not  an [A interrupt>');
  expect(shown.exit).toBe(null);
});

test('output is activity and nothing more', async () => {
  const shown = await start('for i in 1 2 3; do echo "assistant: done $i"; done; exit 7');
  expect(await shown.exited).toEqual({ code: 7, signal: null });
  expect(shown.observed.events.map((event) => event.kind)).toEqual(['ready', 'activity']);
  expect(shown.observed.events[1]).toMatchObject({ activity: 'unknown' });
});

test('without a command it is refused with what to write', async () => {
  for (const options of [{}, { command: [] }]) {
    const agent = desk.agent(runtime, { options });
    await expect(runtime.prepare(agent, desk.place, null, null)).rejects.toMatchObject({
      code: 'command.missing',
      who: 'config',
      next: expect.stringContaining('command: ['),
    });
  }
});

test('it claims only what it can do', async () => {
  expect(runtime.capabilities).toEqual({
    engine: 'pty',
    takeover: 'direct',
    receipts: 'delivered',
    resume: false,
  });
  expect(runtime.terminal ?? runtime.interrupt ?? runtime.permission ?? runtime.tail).toBeUndefined();
  expect(await runtime.detect({})).toMatchObject({ usable: true, canLogIn: true, missing: [] });
  const spec = await runtime.prepare(
    desk.agent(runtime, { options: { command: ['x'] }, auth: { TOKEN: 'secret' } }),
    desk.place,
    null,
    null,
  );
  expect(spec.secretEnv).toEqual(['TOKEN']);
  expect(spec.process.role).toBe('engine');
});
