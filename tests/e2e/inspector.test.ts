/**
 * Node's inspector runs code in the program it belongs to, for every process of the machine that connects. SIGUSR1
 * opens it, and so does NODE_OPTIONS: in no long-running program of ours it may be opened.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makesBox } from '../support/box.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, LiveFleet, processes, running } from '../support/live-fleet.ts';
import { shimOf } from '../support/run-tree.ts';

const PLAIN = 'setInterval(() => undefined, 1000)';

let fleet: LiveFleet;
let plain: ChildProcess | null = null;
let client: ChildProcess | null = null;
afterEach(async () => {
  plain?.kill('SIGKILL');
  client?.kill('SIGKILL');
  plain = null;
  client = null;
  await fleet.close();
});

/** Local ports that a process listens on. */
function listens(pid: number): number[] {
  const inodes = new Set<string>();
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      inodes.add(/^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? '');
    } catch {
      // It was closed meanwhile.
    }
  }
  return ['tcp', 'tcp6'].flatMap((table) =>
    fs
      .readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === '0A' && inodes.has(columns[9] ?? ''))
      .map((columns) => Number.parseInt(columns[1]!.split(':')[1]!, 16)),
  );
}

/** The program of a run that has these words in its command line; what makes a box of it has them, too. */
function inRun(run: string, words: string): number {
  const found = processes().find(
    ({ command, environment }) =>
      environment.includes(`AETHER_RUN=${run}`) && command.includes(words) && !makesBox(command),
  );
  if (found === undefined) throw new Error(`nothing of ${run} is ${words}`);
  return found.pid;
}

/** Sends SIGUSR1 to a Node without our flags too, and waits until that one has opened its inspector. */
async function signalAll(pids: number[]): Promise<void> {
  plain = spawn(process.execPath, ['--inspect-port=0', '-e', PLAIN], { stdio: 'ignore' });
  const control = plain.pid!;
  await eventually('Node handles signals', () => {
    // Until then SIGUSR1 would end it.
    const caught = /SigCgt:\s*(\w+)/.exec(fs.readFileSync(`/proc/${control}/status`, 'utf8'))?.[1];
    return (BigInt(`0x${caught}`) & 0x200n) !== 0n;
  });
  for (const pid of [...pids, control]) process.kill(pid, 'SIGUSR1');
  await eventually('the inspector of an ordinary Node is open', () => listens(control).length > 0);
}

test('SIGUSR1 opens nothing in host, shims, loop and bridges, and ends none; what runs in a terminal receives it', async () => {
  fleet = await LiveFleet.make({
    agents: {
      loop: { runtime: 'builtin', model: 'replay:./talk.json', goal: 'Wait.' },
      shell: {
        runtime: 'command',
        command: [
          'sh',
          '-c',
          `trap 'echo received > signal' USR1; echo $$ > pid; while :; do sleep 0.05; done`,
        ],
      },
    },
  });
  fs.writeFileSync(
    join(fleet.project, 'talk.json'),
    JSON.stringify({ title: 'A wait', steps: [{ say: 'I wait.' }] }),
  );
  await fleet.up();
  await fleet.turns('loop', 1);
  client = spawn(fleet.program[0]!, [...fleet.program.slice(1), 'mcp', '--as', 'editor'], {
    cwd: fleet.project,
    env: { PATH: process.env.PATH ?? '', ...fleet.env, AETHER_HOME: fleet.stateDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  client.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`);
  await once(client.stdout!, 'data');
  const [of, shellOf] = [(await fleet.agent('loop')).run!, (await fleet.agent('shell')).run!];
  const loop = inRun(of, 'loop/main');
  const shell = inRun(shellOf, 'sh -c trap');
  const ours = [fleet.hostPid, shimOf(of)!, shimOf(shellOf)!, loop, inRun(of, 'bridge/main'), client.pid!];
  const before = ours.map(listens);
  await signalAll([...ours, shell]);
  expect(ours.filter(running)).toEqual(ours);
  expect(ours.map(listens)).toEqual(before);
  const received = join(fleet.project, 'workspaces', 'shell', 'signal');
  await eventually('the signal arrives in a terminal', () => fs.existsSync(received));
}, 60_000);

test.each([
  ['in the background', ['up', '--detach']],
  ['in the foreground', ['up']],
])(
  'a host %s takes nothing from NODE_OPTIONS, and no inspector from the command line',
  async (_where, verb) => {
    const opens =
      "const inspector = require('node:inspector'); if (!inspector.url()) inspector.open(0, '127.0.0.1');";
    fleet = await LiveFleet.make(
      { agents: { shell: { runtime: 'command', command: ['sleep', '1000'] } } },
      { program: [AETHER[0]!, '--inspect=127.0.0.1:0', '--no-deprecation', ...AETHER.slice(1)] },
    );
    const loaded = join(fleet.root, 'opens.cjs');
    fs.writeFileSync(loaded, opens);
    fleet.begin(verb, { env: { NODE_OPTIONS: `--inspect-port=0 --require ${loaded}` } });
    const view = await eventually(
      'the host answers',
      () => fleet.withHost((one) => one.call('info')).catch(() => null),
      30_000,
    );
    await fleet.until('shell', 'running', ({ state }) => state === 'running');
    expect([...new Set(listens(view.pid))]).toEqual([Number(new URL(view.console!).port)]);
    const words = fs.readFileSync(`/proc/${view.pid}/cmdline`, 'utf8').split('\0');
    expect(words.slice(1, 3)).toEqual(['--no-deprecation', '--disable-sigusr1']);
    await fleet.ok('down');
  },
  60_000,
);
