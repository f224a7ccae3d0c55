/**
 * New host code takes over from old: the whole program as it was before there were control groups, a gate or a pause
 * — host, shims, bridges and database of that time — is killed, and today's is started in its place.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentView, ApprovalView } from '../../src/host/api.ts';
import { migrations } from '../../src/host/store/migrations.ts';
import { eventually } from '../support/eventually.ts';
import { aether, call, LiveFleet, running } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';
import { treeOf } from '../support/run-tree.ts';
import { Journal, until } from '../support/shim.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
/** It came just before control groups did; nothing else is asked of it. */
const CAME_WITH_THE_OLD = 'tests/e2e/long-path.test.ts';

function git(...args: string[]): Buffer {
  // Also where the tests run as another user than the one whose checkout this is.
  return execFileSync('git', ['-c', `safe.directory=${CHECKOUT.replace(/\/$/, '')}`, ...args], {
    cwd: CHECKOUT,
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** The commit that made it; null where the history is not there: in a package, in a shallow clone. */
function commitOf(file: string): string | null {
  try {
    return (
      git('log', '--diff-filter=A', '--format=%H', '--', file).toString().trim().split('\n').at(-1) || null
    );
  } catch {
    return null;
  }
}

const commit = commitOf(CAME_WITH_THE_OLD);
if (commit === null)
  process.stderr.write(
    '!! an upgrade CANNOT BE TESTED HERE: git does not tell the history of this checkout\n',
  );
let root: string;
let fleet: LiveFleet;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ae-old-'));
  if (commit === null) return;
  execFileSync('tar', ['-x', '-C', root], {
    input: git('archive', commit, 'src', 'templates', 'package.json'),
  });
  symlinkSync(join(CHECKOUT, 'node_modules'), join(root, 'node_modules'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => fleet?.close());

const TOOL = 'sleep 2; echo ran >> ran.txt; echo finished';

test.runIf(commit !== null)(
  'runs that an older Aether started go on, with their calls, their questions and every byte',
  async () => {
    const program = [process.execPath, join(root, 'src/host/cli/main.ts')];
    const allowed = { permissions: { mode: 'ask', allow: ['Bash', 'mcp__aether'] } };
    fleet = await LiveFleet.make(
      {
        agents: {
          counter: {
            runtime: 'command',
            command: ['sh', '-c', 'n=0; while :; do n=$((n+1)); echo "line $n"; sleep 0.02; done'],
          },
          asker: {
            runtime: 'claude-code',
            goal: `Ask. ${aether('ask_operator', { question: 'Which colour?' })} [[say asked]]`,
          },
          worker: {
            runtime: 'claude-code',
            goal: `Work. [[hang work]] ${call('Bash', { command: TOOL, description: 'slow' })} [[say worked]]`,
            ...allowed,
          },
          idler: { runtime: 'claude-code', goal: 'Begin. [[say I have begun]]', ...allowed },
        },
      },
      { older: true },
    );
    const result = await fleet.cli(['up', '--detach'], { program });
    if (result.code !== 0) throw new Error(`${result.stdout}${result.stderr}${fleet.hostLog()}`);
    const inOld = async <T>(...args: string[]): Promise<T> =>
      JSON.parse((await fleet.cli([...args, '--json'], { program })).stdout) as T;

    // Each question to the old program is a process that starts from its sources: the first is not asked too early.
    for (const word of ['Ask.', 'Work.', 'Begin.'])
      await fleet.model.waitFor((request) => saidIn(request).includes(word), 20_000);
    const asked = async () => (await inOld<ApprovalView[]>('approvals')).length === 1;
    await eventually('a question', asked, 20_000, 500);
    const before = await eventually(
      'everybody to be where they should be',
      async () => {
        const views = await inOld<AgentView[]>('ps');
        const is = (name: string, activity: string) =>
          views.some((view) => view.name === name && view.activity === activity);
        return is('idler', 'idle') && is('worker', 'thinking') ? views : null;
      },
      20_000,
      500,
    );
    const db = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBeLessThan(migrations.length);
    db.close();

    // In the middle of a turn, which goes on without a host.
    await fleet.killHost();
    fleet.model.release('work');
    await fleet.up();

    for (const { name, run, pid } of before) {
      const now = await fleet.agent(name);
      expect([name, now.state, now.run, now.pid]).toEqual([name, 'running', run, pid]);
    }
    const told = await fleet.events();
    expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => index + 1));
    expect(told.filter(({ topic }) => topic === 'run.lost')).toEqual([]);

    // The question was asked once, and its answer arrives over the older bridge.
    const open = await fleet.json<ApprovalView[]>('approvals');
    expect(open).toMatchObject([{ agent: 'asker', title: 'Which colour?' }]);
    await fleet.ok('approvals', 'answer', open[0]!.id, 'Green');
    await fleet.turns('asker', 1);
    await fleet.turns('worker', 1);
    const last = (word: string) =>
      fleet.model.requests.findLast((request) => saidIn(request).includes(word))!;
    expect(resultsIn(last('Ask.'))).toEqual([expect.stringContaining('Green')]);
    expect(resultsIn(last('Work.'))).toEqual([expect.stringContaining('finished')]);
    const { workspace } = await fleet.agent('worker');
    expect(readFileSync(join(workspace, 'ran.txt'), 'utf8')).toBe('ran\n');
    expect(fleet.model.requests.filter((request) => saidIn(request).includes('Ask.'))).toHaveLength(2);

    // What it can: messages, tools, a hold. What it cannot, it says.
    const store = `Store. ${aether('memory_store', { text: 'Kept.' })} [[say stored]]`;
    await fleet.inject('idler', store);
    await fleet.turns('idler', 2);
    expect(resultsIn(last('Store.'))).toEqual([expect.stringContaining('Kept.')]);
    await fleet.act('hold', 'idler');
    const held = await fleet.until('idler', 'held', (view) => view.activity === 'held');
    expect(held.activityEvidence?.what).toContain('no turn runs');
    await fleet.act('resume', 'idler');
    const pause = await fleet.cli(['pause', 'counter']);
    expect([pause.code, pause.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('was started by an older version; restart it, then it can be paused'),
    ]);
    expect(pause.code).not.toBe(0);

    // Every line of the program, in order, once, over both hosts.
    const counter = await fleet.agent('counter');
    const journal = new Journal(join(fleet.stateDir, 'runs', counter.run!, 'journal'));
    const lines = await until('more lines', () => {
      const printed = journal.read().text(0).split('\r\n').slice(0, -1);
      return printed.length > 100 ? printed : null;
    });
    journal.close();
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));

    // Each in a run of today: then it can be paused.
    await fleet.act('restart', 'counter');
    expect(running(counter.pid!)).toBe(false);
    await fleet.until(
      'counter',
      'runs again',
      (view) => view.run !== counter.run && view.state === 'running',
    );
    await fleet.act('pause', 'counter');
    for (const { name, run } of before) {
      await fleet.act('stop', name);
      await until(`${name} to leave nothing`, () => treeOf(run!).length === 0);
    }
  },
  180_000,
);
