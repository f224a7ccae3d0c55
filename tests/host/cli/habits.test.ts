// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what is tested.
/** Where and with what the command is started: a directory that is gone, a HOME that is none, paths of other clients. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLI, type CliResult, startCli } from '../../support/cli.ts';

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-cli-habits-')));
  fs.writeFileSync(join(root, 'aether.yaml'), 'agents: {}\n');
});
afterEach(() => fs.rmSync(root, { recursive: true }));

const run = (args: string[], env: Record<string, string> = {}, cwd = root): Promise<CliResult> =>
  startCli(args, { cwd, env: { HOME: root, ...env }, deadline_ms: 60_000 }).ended;

/** One sentence or two, no stack, and nothing was made. */
function refused({ code, stdout, stderr }: CliResult, said: RegExp): void {
  expect(stderr).toMatch(said);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect([code, stdout]).toEqual([2, '']);
  expect(fs.readdirSync(root)).toEqual(['aether.yaml']);
}

test('each way of naming a place by a variable that nobody expanded', async () => {
  const results = await Promise.all([
    run(['ps', '--state', '${workspaceFolder}/.aether']),
    run(['mcp', '--as', 'x', '--state', '$HOME/st']),
    run(['up', '--detach'], { AETHER_HOME: '%USERPROFILE%\\aether' }),
    run(['-f', 'C:\\fleet\\aether.yaml', 'plan']),
  ]);
  for (const result of results) refused(result, /is not a usable path: it /);
});

test('a HOME that is none: no host is started, none is left', async () => {
  for (const [HOME, why] of [
    ['${HOME}', /holds \$\{HOME\}/],
    ['', /is empty/],
    ['home', /not absolute/],
    [join(root, 'none'), /no such directory/],
  ] as const)
    refused(await run(['up', '--detach'], { HOME }), why);
  refused(await run(['mcp', '--as', 'x'], { HOME: '${HOME}' }), /cannot be your home/);
  refused(await run(['host', '--state', join(root, 'st')], { HOME: 'home' }), /not absolute/);
});

test('a working directory that was removed', async () => {
  const gone = join(root, 'gone');
  for (const verb of [['ps'], ['doctor'], ['up', '--detach'], ['logs', 'x'], ['mcp', '--as', 'x']]) {
    fs.mkdirSync(gone);
    // The shell is there until it becomes the command.
    const script = 'rmdir "$PWD" && exec "$@"';
    const program = ['/bin/sh', '-c', script, 'sh', process.execPath, CLI];
    const result = await startCli(verb, { cwd: gone, env: { HOME: root }, program, deadline_ms: 60_000 })
      .ended;
    refused(result, /current directory no longer exists/);
  }
});
