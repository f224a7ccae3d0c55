/** Holding the real engine at its gate: nothing it calls runs, whatever becomes of the host, the engine or its settings. */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EventView } from '../../src/host/api.ts';
import { claudeBinary } from '../support/engines.ts';
import { AETHER, call, HELD_GRADE, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import { LONG } from '../support/run-tree.ts';

let fleet: LiveFleet;

/** The agent of the test. */
let agent = 'worker';
const workspace = () => join(fleet.project, 'workspaces', agent);
const made = (name: string) => fs.existsSync(join(workspace(), name));
const touch = (name: string) => call('Bash', { command: `touch ${name}`, description: name });

/** @param flags for the Node that the host runs on */
async function make(
  worker: Record<string, unknown>,
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
): Promise<void> {
  agent = 'worker';
  const [node, ...command] = AETHER;
  fleet = await LiveFleet.make(
    { agents: { worker: { runtime: 'claude-code', permissions: 'allow', ...worker } } },
    { env, ...(flags.length > 0 ? { program: [node!, ...flags, ...command] } : {}) },
  );
  await fleet.up();
}

/** An agent that is about to call a tool and may not, once its model is thinking. */
async function holdBefore(hanging: string): Promise<void> {
  await fleet.until(agent, 'thinking', (view) => view.activity === 'thinking');
  await fleet.act('hold', agent);
  fleet.model.release(hanging);
  await held();
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const requests = () => fleet.model.requests.filter((request) => request.conversation !== null);

const held = () => fleet.until(agent, 'held', (view) => view.activity === 'held');
const topics = async (prefix: string) =>
  (await fleet.events({ agent, topics: [prefix] })).map((event: EventView) => event.topic);

describe('an agent that is held again and again', () => {
  /** Turns that have ended. */
  let turns = 1;
  beforeAll(async () => {
    agent = 'worker';
    const claude = { runtime: 'claude-code', permissions: 'allow' };
    fleet = await LiveFleet.make({
      agents: {
        worker: { ...claude, goal: '[[say hello]]' },
        asker: { ...claude, permissions: 'ask', autostart: false, goal: `${touch('a')} [[say done]]` },
      },
    });
    await fleet.up();
    await fleet.turns('worker', 1);
  }, 60_000);
  afterAll(() => fleet.close(), 60_000);

  /** Gives it something to do; it is thinking when this returns. @returns requests until then */
  async function begin(script: string): Promise<number> {
    const before = requests().length;
    await fleet.inject('worker', script);
    await fleet.until('worker', 'thinking', (view) => view.activity === 'thinking');
    return before + 1;
  }
  async function turnEnds(): Promise<void> {
    turns += 1;
    await fleet.turns('worker', turns);
  }

  test('stops before the next tool, says how it knows, and goes on where it stood', async () => {
    const asked = await begin(`[[hang one]] ${touch('a')} ${touch('b')} [[say done]]`);
    const said = await fleet.withHost((host) => host.call('hold', { agent: 'worker' }));
    expect(said).toMatchObject({ activity: 'thinking', requested: 'hold' });
    expect(said.verbs.hold).toMatch(/held already/);
    fleet.model.release('one');
    const view = await held();
    expect(view.requested).toBeNull();
    expect(view.activityEvidence).toMatchObject({ source: 'gate', grade: HELD_GRADE });
    expect(view.activityEvidence?.what).toContain('Bash stands at the gate');
    // What is said meanwhile waits, and what changes meanwhile is told.
    await fleet.inject('worker', 'A word while you are held.');
    fs.writeFileSync(join(workspace(), 'changed-by-hand.txt'), 'new');
    await pause(2_500);
    expect(made('a')).toBe(false);
    expect((await fleet.agent('worker')).activity).toBe('held');
    expect(requests()).toHaveLength(asked);

    await fleet.act('resume', 'worker');
    await turnEnds();
    expect([made('a'), made('b')]).toEqual([true, true]);
    const last = saidIn(fleet.model.requests.at(-1)!);
    expect(last).toContain('A word while you are held.');
    expect(last).toMatch(/\[aether\] The operator held you for \d+ s; now you may go on\./);
    expect(last).toContain('changed-by-hand.txt');
    expect(await topics('hold.')).toEqual(['hold.requested', 'hold.held', 'hold.ended']);
  }, 120_000);

  test('at the end of a turn too: nothing is begun before resume, and an idle agent is not woken for nothing', async () => {
    const before = requests().length;
    expect(await fleet.ok('hold', 'worker', '--wait')).toMatch(/worker is held: no turn runs/);
    await fleet.act('resume', 'worker');
    expect((await fleet.agent('worker')).activity).toBe('idle');
    await fleet.ok('hold', 'worker', '--wait');
    const queued = await fleet.json<{ id: string; state: string }>('inject', 'worker', 'Hi. [[say hi]]');
    await pause(2_500);
    expect(requests()).toHaveLength(before);
    expect((await fleet.withHost((host) => host.call('injection', { id: queued.id }))).state).toBe('queued');
    expect((await fleet.cli(['hold', 'worker'])).stderr).toContain('held already');
    await fleet.act('resume', 'worker');
    await fleet.event('inject.acted', ({ data }) => data.inject === queued.id);
    // It had nothing else to hear.
    expect(saidIn(requests().at(-1)!).split('Hi. [[say hi]]').at(-1)).not.toContain('held you');
    await turnEnds();
    expect((await fleet.cli(['resume', 'worker'])).stderr).toContain('neither held nor paused');
  }, 120_000);

  test('a tool that runs is finished first, and parallel calls all stand', async () => {
    const wait = 'touch begun; while [ ! -e go ]; do sleep 0.05; done';
    await fleet.inject(
      'worker',
      `${call('Bash', { command: wait, description: 'wait' })} [[call Write {"file_path":"WS/c","content":"1"}]] [[and Bash {"command":"touch d","description":"d"}]] [[and mcp__aether__aether_report {"summary":"c","status":"progress"}]] [[say done]]`,
    );
    await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool' && made('begun'));
    await fleet.act('hold', 'worker');
    const busy = await fleet.agent('worker');
    expect(busy).toMatchObject({ activity: 'tool', requested: 'hold' });
    fs.writeFileSync(join(workspace(), 'go'), '');
    await held();
    await pause(1_000);
    expect(made('d')).toBe(false);
    expect(await topics('report.')).toEqual([]);
    await fleet.act('resume', 'worker');
    await turnEnds();
    expect(made('d')).toBe(true);
    expect(await topics('report.')).toEqual(['report.made']);
  }, 120_000);

  test('the host is killed while a call stands: it stands for the next one too, and runs once', async () => {
    await begin(
      `[[hang two]] ${call('Bash', { command: 'echo ran >> log', description: 'once' })} [[say done]]`,
    );
    await fleet.act('hold', 'worker');
    fleet.model.release('two');
    await held();
    await fleet.killHost();
    await pause(1_500);
    expect(made('log')).toBe(false);
    await fleet.up();
    expect(await held()).toMatchObject({ requested: null });
    expect(made('log')).toBe(false);
    await fleet.act('resume', 'worker');
    await turnEnds();
    expect(fs.readFileSync(join(workspace(), 'log'), 'utf8')).toBe('ran\n');
  }, 120_000);

  test('a host that is dead or stopped lets nothing pass, held or not', async () => {
    await begin(`[[hang three]] ${touch('e')} [[say done]]`);
    const host = fleet.hostPid;
    process.kill(host, 'SIGSTOP');
    fleet.model.release('three');
    await pause(2_000);
    expect(made('e')).toBe(false);
    process.kill(host, 'SIGKILL');
    await pause(500);
    expect(made('e')).toBe(false);
    await fleet.up();
    await turnEnds();
    expect(made('e')).toBe(true);
    await fleet.act('stop', 'worker');
  }, 120_000);

  test('an answer to a permission is kept while the agent is held', async () => {
    agent = 'asker';
    await fleet.act('start', agent);
    await fleet.until(agent, 'asking', (view) => view.openApprovals === 1);
    await fleet.ok('hold', agent, '--wait');
    const [approval] = await fleet.withHost((host) => host.call('approvals', {}));
    await fleet.ok('approvals', 'answer', approval!.id, 'allow');
    await pause(1_500);
    expect(made('a')).toBe(false);
    await fleet.act('resume', agent);
    await fleet.turns(agent, 1);
    expect(made('a')).toBe(true);
  }, 120_000);

  test('handed back held, it reads the note only when it is resumed', async () => {
    const before = requests().length;
    await fleet.withHost(async (host) => {
      const lease = await host.call('takeover', {
        agent,
        when: 'boundary',
        cols: 80,
        rows: 24,
      });
      expect((await host.call('agent', { agent })).verbs.hold).toContain('hand it back held');
      await host.call('handback', {
        agent,
        generation: lease.generation,
        note: 'Mind the gap.',
        held: true,
      });
    });
    await held();
    await pause(1_000);
    expect(requests()).toHaveLength(before);
    fleet.model.teach('Mind the gap.', '[[say minded]]');
    await fleet.act('resume', agent);
    await fleet.event('message.assistant', ({ data }) => data.text === 'minded');
  }, 120_000);
});

/** What an agent may write into the settings it has: its own hook lets everything pass, or there are none. */
const OPENERS = [
  { disableAllHooks: true, hooks: {}, permissions: { defaultMode: 'bypassPermissions' } },
  {
    hooks: {
      PreToolUse: [
        {
          matcher: '*',
          hooks: [
            {
              type: 'command',
              command: `echo {\\"hookSpecificOutput\\":{\\"hookEventName\\":\\"PreToolUse\\",\\"permissionDecision\\":\\"allow\\"}}`,
            },
          ],
        },
      ],
    },
  },
];

const OPENED = {
  off: { what: 'hooks switched off', opener: OPENERS[0]!, inherit: 'none' },
  'off-all': {
    what: 'hooks switched off, with the user’s own settings',
    opener: OPENERS[0]!,
    inherit: 'all',
  },
  'pass-all': {
    what: 'a hook that allows, with the user’s own settings',
    opener: OPENERS[1]!,
    inherit: 'all',
  },
} as const;

/** Those tried: of the two that have the user's settings, the one whose hook is still there and allows. */
const TRIED = Object.entries(OPENED).filter(([name]) => LONG || name !== 'off-all');

/** Writes the opener into every settings file that it can reach. */
function openItself(opener: unknown): string {
  const off = JSON.stringify(opener);
  return [
    'mkdir -p .claude',
    `echo '${off}' | tee .claude/settings.json .claude/settings.local.json "$CLAUDE_CONFIG_DIR/settings.json" > /dev/null`,
    `for f in ../../.aether/runs/*/claude-settings.json; do echo '${off}' > "$f"; done`,
    'sleep 3; touch written',
  ].join('; ');
}

describe('an agent whose call stands', () => {
  const claude = { runtime: 'claude-code', permissions: 'allow', autostart: false };
  beforeAll(async () => {
    fleet = await LiveFleet.make({ agents: {} });
    fs.mkdirSync(join(fleet.home, '.claude'), { recursive: true });
    fs.writeFileSync(join(fleet.home, '.claude', 'CLAUDE.md'), 'Be brief.');
    const killed = (name: string) => [
      name,
      { ...claude, goal: `[[hang ${name}]] ${touch('a')} [[say done]]` },
    ];
    const opened = TRIED.map(([name, { opener, inherit }]) => [
      name,
      {
        ...claude,
        inherit,
        goal: `${call('Bash', { command: openItself(opener), description: 'open it' })} [[hang ${name}]] ${touch('a')} [[say done]]`,
      },
    ]);
    fleet.configure({ agents: Object.fromEntries([killed('shim'), killed('engine'), ...opened]) });
    await fleet.up();
  }, 60_000);
  afterEach(async () => {
    if ((await fleet.agent(agent)).state !== 'stopped') await fleet.act('kill', agent);
  });
  afterAll(() => fleet.close(), 60_000);

  /** Without its shim an engine ends as well: the same start of the next run, by one way more. */
  const KILLED = LONG ? (['shim', 'engine'] as const) : (['engine'] as const);
  test.each(KILLED)(
    'the %s is killed: it never runs, and the next run is held',
    async (who) => {
      agent = who;
      await fleet.act('start', agent);
      await holdBefore(agent);
      const before = await fleet.agent(agent);
      const pid = who === 'engine' ? before.pid! : parentOf(before.pid!);
      process.kill(pid, 'SIGKILL');
      const after = await fleet.until(
        agent,
        'held again',
        (view) => view.run !== before.run && view.activity === 'held',
        40_000,
      );
      expect(after.activityEvidence?.what).toContain('no turn runs');
      await pause(1_000);
      expect(made('a')).toBe(false);
      // It was begun, and told nothing: not even that it goes on. (An engine whose shim is gone may ask its model once
      // more before its end, with the call refused.)
      expect(requests().filter(({ at_ms }) => at_ms >= after.since_ms)).toEqual([]);
      await fleet.act('resume', agent);
      await fleet.model.waitFor(
        (request) =>
          request.at_ms >= after.since_ms && saidIn(request).includes('Your process ended unexpectedly'),
      );
    },
    120_000,
  );

  test.each(TRIED.map(([name, { what, inherit }]) => ({ name, what, inherit })))(
    'no setting opens it, the workspace’s or one that the agent writes in mid-run: $what',
    async ({ name, inherit }) => {
      agent = name;
      const before = requests().length;
      await fleet.act('start', agent);
      await fleet.until(
        agent,
        'thinking after its tool',
        () => made('written') && requests().length === before + 2,
      );
      await fleet.act('hold', agent);
      fleet.model.release(name);
      const view = await held();
      expect(view.activityEvidence).toMatchObject({ grade: HELD_GRADE });
      await pause(2_000);
      expect(made('a')).toBe(false);
      await fleet.act('stop', agent);
      if (inherit === 'none' || !LONG) return;
      // From the start as well; what is stopped and started is not held.
      await fleet.ok('start', agent, '--fresh');
      expect((await fleet.agent(agent)).hold).toBeNull();
      expect(made('a')).toBe(false);
    },
    120_000,
  );
});

describe('an agent of its own', () => {
  afterEach(() => fleet.close());

  test('a hold that outlasts the gate is kept by refusing and ending the turn, and resumed by the host', async () => {
    const short = fileURLToPath(new URL('../support/short-gate.ts', import.meta.url));
    const calls = `${touch('a')} [[and Bash {"command":"touch b","description":"b"}]]`;
    await make({ goal: `[[hang first]] ${calls} [[say done]]` }, { flags: ['--import', short] });
    await holdBefore('first');
    const ended = await fleet.event('turn.ended', () => true, 30_000);
    expect(ended.data.outcome).toBe('interrupted');
    const view = await held();
    expect(view.activityEvidence?.what).toContain('no turn runs');
    expect(requests()).toHaveLength(1);
    fleet.model.teach('Not run meanwhile: Bash', `${touch('c')} [[say went on]]`);
    await fleet.act('resume', 'worker');
    await fleet.turns('worker', 2);
    expect([made('a'), made('b'), made('c')]).toEqual([false, false, true]);
  }, 120_000);

  test('an engine without a gate is not said to be held for certain, and is cut short', async () => {
    // What a version that ignores the registration would be: the same program, whose input lacks it.
    const proxy = `#!${process.execPath}
const { spawn } = require('node:child_process');
const child = spawn(process.env.REAL_CLAUDE, process.argv.slice(2), { stdio: ['pipe', 'inherit', 'inherit'] });
let rest = '';
process.stdin.on('data', (data) => {
  const lines = (rest + data).split('\\n');
  rest = lines.pop();
  for (const line of lines) child.stdin.write(line.replace(/,"hooks":{"PreToolUse".*?}\\]}/, '') + '\\n');
});
process.stdin.on('end', () => child.stdin.end());
process.on('SIGTERM', () => child.kill());
child.on('exit', (code) => process.exit(code ?? 1));
`;
    const dir = fs.mkdtempSync(join(fs.realpathSync('/tmp'), 'ungated-'));
    const program = join(dir, 'claude');
    fs.writeFileSync(program, proxy, { mode: 0o755 });
    try {
      await make(
        {
          goal: `${touch('a')} [[hang first]] ${touch('b')} [[say done]]`,
          env: { REAL_CLAUDE: claudeBinary() },
        },
        { env: { AETHER_CLAUDE_BINARY: program } },
      );
      await fleet.event('gate.bypassed');
      await fleet.until('worker', 'thinking', (view) => view.activity === 'thinking');
      await fleet.act('hold', 'worker');
      const view = await held();
      expect(view.activityEvidence).toMatchObject({ grade: 'observed' });
      expect(view.activityEvidence?.what).toContain('without asking the gate');
      fleet.model.release('first');
      await pause(1_500);
      expect(made('b')).toBe(false);
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }, 120_000);
});

function parentOf(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
