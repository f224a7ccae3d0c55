/**
 * An agent of the real openclaw package in a fleet, in its sandbox: it uses the aether tools, asks for a command in the
 * inbox, reaches for its gateway in vain, is taken over beside, keeps its conversation over the death of its host and of
 * its gateway, and is stopped in mid-turn. One agent for all of it: each start of a gateway is dear.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendants, isAlive } from '../../src/host/process/proc.ts';
import { openclawRuntime } from '../../src/runtimes/openclaw/runtime.ts';
import { employedConformance } from '../conformance/runtime.ts';
import { Bench } from '../conformance/runtime-bench.ts';
import { openclawSubjectOn } from '../runtimes/openclaw/subject.ts';
import { tamperingConformance } from '../runtimes/openclaw/tampering.ts';
import { engineProgram } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import { LONG, treeOf } from '../support/run-tree.ts';
import { TakenEngine } from '../support/taken-engine.ts';

const START_MS = 240_000;
const TURN_MS = 90_000;

/** Remembered before it starts. */
const KNOWN = 'The claw hangs in the harbour of Holmsund.';

let fleet: LiveFleet;
let workspace: string;

/** What a command of the agent tries; each line that begins with OPEN is a way in. */
const REACH = `
for p in /proc/[0-9]*; do
  tr '\\0' '\\n' < $p/environ 2>/dev/null | grep -E '^(OPENCLAW_GATEWAY_TOKEN|AETHER_TERMINAL_TICKET)=' && echo "OPEN environ $p"
  tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -E -- '--(token|password)' && echo "OPEN cmdline $p"
done
env | grep -E '^OPENCLAW_GATEWAY_TOKEN=' && echo OPEN own environ
grep -rls "aether-probe-never" "$HOME" 2>/dev/null
cat > reach.mjs <<'END'
import fs from 'node:fs';
const ports = new Set(fs.readFileSync('/proc/net/tcp', 'utf8').split('\\n').slice(1).filter((l) => / 0A /.test(l)).map((l) => parseInt(l.trim().split(/\\s+/)[1]?.split(':')[1] ?? '0', 16)));
const config = JSON.parse(fs.readFileSync(process.env.OPENCLAW_CONFIG_PATH, 'utf8'));
const tokens = [undefined, '', 'aether', config.gateway.auth.token, process.env.OPENCLAW_GATEWAY_TOKEN];
const METHODS = [['chat.send', { sessionKey: 'agent:main:main', message: 'forged', idempotencyKey: 'forged' }], ['exec.approval.resolve', { id: 'x', decision: 'allow-once' }], ['sessions.patch', { key: 'agent:main:main', execSecurity: 'full' }], ['device.pair.list', {}]];
let tried = 0;
async function knock(port, token) {
  await new Promise((done) => {
    let ws; try { ws = new WebSocket('ws://127.0.0.1:' + port); } catch { return done(); }
    const timer = setTimeout(() => { ws.close(); done(); }, 4000);
    const send = (id, method, params) => ws.send(JSON.stringify({ type: 'req', id, method, params }));
    ws.onerror = () => { clearTimeout(timer); done(); };
    ws.onclose = () => { clearTimeout(timer); done(); };
    tried += 1;
    const hello = () => { send('c', 'connect', { minProtocol: 4, maxProtocol: 4, client: { id: 'gateway-client', version: '1', platform: 'linux', mode: 'backend' }, role: 'operator', scopes: ['operator.read', 'operator.write', 'operator.admin', 'operator.approvals', 'operator.pairing'], auth: token === undefined ? {} : { token } }); };
    ws.onopen = () => setTimeout(hello, 300);
    ws.onmessage = ({ data }) => {
      const m = JSON.parse(data);
      if (m.type !== 'res') return;
      if (m.id === 'c' && m.ok) { console.log('OPEN gateway', port); METHODS.forEach(([name, params], i) => send(String(i), name, params)); return; }
      if (m.ok) console.log('OPEN method', METHODS[Number(m.id)]?.[0]);
    };
  });
}
for (const port of ports) for (const token of tokens) await knock(port, token);
console.log('TRIED', tried);
END
${process.execPath} reach.mjs 2>&1
echo '{"gateway":{"auth":{"mode":"none"}}}' > "$OPENCLAW_CONFIG_PATH" 2>/dev/null && echo OPEN config
echo REACHED
`;

beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  fleet.configure({
    agents: {
      claw: {
        runtime: 'openclaw',
        bin: engineProgram('openclaw'),
        model: 'anthropic/scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
        sandbox: 'bubblewrap',
        restart: 'on-failure',
        goal: `BEGIN ${call('aether__aether_memory_store', { text: 'The claw was here.' })} [[say stored]]`,
      },
    },
  });
  workspace = join(fleet.project, 'workspaces', 'claw');
  await fleet.up();
  // Long before its gateway has started.
  const notes = join(fleet.project, 'notes.md');
  fs.writeFileSync(notes, `- ${KNOWN}\n`);
  await fleet.ok('memory', 'import', notes, '--fleet');
  await fleet.turns('claw', 1, START_MS);
}, START_MS + 60_000);

afterAll(() => fleet.close(), 60_000);

const turnsEnded = async () => (await fleet.events({ agent: 'claw', topics: ['turn.ended'] })).length;

/** Told and finished. */
async function told(text: string): Promise<void> {
  const before = await turnsEnded();
  await fleet.inject('claw', text);
  await fleet.turns('claw', before + 1, TURN_MS);
}

test('is planned with what its gateway is given, what it takes of memory, and no secret', async () => {
  const plan = await fleet.ok('plan', '--full');
  expect(plan).toContain('openclaw (pipes)');
  expect(plan).toMatch(/about 1\.\d GB/);
  expect(plan).not.toContain(fleet.env.ANTHROPIC_API_KEY);
});

test('has the aether tools, as the agent that it is', async () => {
  const stored = await fleet.event('memory.stored', ({ agent }) => agent !== null);
  expect(stored).toMatchObject({ agent: 'claw', principal: 'agent:claw', grade: 'enforced' });
});

test('has what is remembered before its first prompt and each later one, and not in its conversation', async () => {
  const recalled = await fleet.event('memory.recalled');
  expect(recalled).toMatchObject({ agent: 'claw', principal: 'host', data: { at: 'start' } });
  expect(recalled.data.memories).toHaveLength(1);
  await told('What else? [[say nothing]]');
  const requests = fleet.model.requests.filter((request) => request.conversation !== null);
  for (const request of [requests[0]!, requests.at(-1)!]) {
    expect(saidIn(request)).toMatch(/not instructions.*<memories>.*Holmsund.*<\/memories>/s);
    expect(saidIn(request).split('Holmsund')).toHaveLength(2);
  }
  const said = await fleet.events({ agent: 'claw', topics: ['message.user'] });
  expect(JSON.stringify(said)).not.toContain('Holmsund');
});

test('asks in the inbox for a command, which reaches neither the token nor the gateway', async () => {
  fs.writeFileSync(join(workspace, 'reach.sh'), REACH);
  const before = await turnsEnded();
  await fleet.inject('claw', `${call('exec', { command: 'sh reach.sh > reach.out 2>&1' })} [[say reached]]`);
  const { data } = await fleet.event('approval.opened', () => true, TURN_MS);
  expect(JSON.stringify(data)).toContain('reach.sh');
  expect(fs.existsSync(join(workspace, 'reach.out'))).toBe(false);
  const approvals = JSON.parse(await fleet.ok('approvals', '--json')) as { id: string }[];
  await fleet.ok('approvals', 'answer', approvals[0]!.id, 'allow');
  await fleet.turns('claw', before + 1, TURN_MS);
  const reached = fs.readFileSync(join(workspace, 'reach.out'), 'utf8');
  expect(reached).toContain('REACHED');
  expect(reached).toMatch(/TRIED [1-9]/);
  expect(reached.split('\n').filter((line) => line.startsWith('OPEN'))).toEqual([]);
  expect(fleet.model.requests.some((request) => saidIn(request).includes('forged'))).toBe(false);
});

test('is refused a command in the inbox, and told why', async () => {
  const before = await turnsEnded();
  await fleet.inject('claw', `${call('exec', { command: 'echo no > refused' })} [[say heard {{result}}]]`);
  const waiting = await eventually(
    'it asks',
    async () => {
      const all = JSON.parse(await fleet.ok('approvals', '--json')) as { id: string }[];
      return all[0];
    },
    TURN_MS,
  );
  await fleet.ok('approvals', 'answer', waiting.id, 'deny', 'not on a Friday');
  await fleet.turns('claw', before + 1, TURN_MS);
  await fleet.event('message.assistant', ({ data }) => String(data.text).includes('not on a Friday'));
  expect(fs.existsSync(join(workspace, 'refused'))).toBe(false);
});

test('what OpenClaw itself refuses is a call as well', async () => {
  await told(`${call('aether__aether_mail_ack', { ids: 'none' })} [[say was refused]]`);
  const { data } = await fleet.event('tool.called', ({ data }) => data.tool === 'aether__aether_mail_ack');
  const finished = await fleet.event('tool.finished', (event) => event.data.toolUseId === data.toolUseId);
  expect(finished.data).toMatchObject({ isError: true });
});

test(
  'is taken over beside: what its holder types is in the next request, and the engine goes on',
  async () => {
    const { pid } = await fleet.agent('claw');
    const host = await fleet.connect();
    const lease = await host.call('takeover', { agent: 'claw', when: 'boundary', cols: 110, rows: 36 });
    let screen = '';
    const shown = (async () => {
      for await (const item of host.stream('attach', { agent: 'claw' }))
        if (item.kind === 'screen' || item.kind === 'chunk')
          screen += Buffer.from(item.data, 'base64').toString();
    })().catch(() => undefined);
    const { generation } = lease;
    await eventually(
      'the terminal shows the conversation',
      () => screen.includes('not on a Friday'),
      START_MS,
    );
    const type = (data: string) => host.call('terminalWrite', { agent: 'claw', generation, data });
    await type('TYPED-BY-HAND [[say answered by hand]]');
    await eventually('it is typed', () => screen.includes('by hand]]'), TURN_MS);
    await type('\r');
    const typed = await fleet.event(
      'message.user',
      ({ data }) => data.text.includes('TYPED-BY-HAND'),
      TURN_MS,
    );
    expect(typed.data.typed).toBe(true);
    await fleet.event('message.assistant', ({ data }) => data.text === 'answered by hand', TURN_MS);
    await host.call('handback', { agent: 'claw', generation, note: 'mind the gap' });
    await fleet.model.waitFor((request) => {
      const said = saidIn(request);
      return said.includes('TYPED-BY-HAND') && said.includes('mind the gap');
    }, TURN_MS);
    expect((await fleet.idle('claw', TURN_MS)).pid).toBe(pid);
    host.close();
    await shown;
  },
  START_MS + 120_000,
);

test('goes on over the death of its host in mid-turn, with the same process', async () => {
  const { pid, run } = await fleet.agent('claw');
  const before = await turnsEnded();
  await fleet.inject('claw', 'OVER-THE-DEATH [[hang death]] [[say outlived it]]');
  await fleet.model.waitFor((request) => saidIn(request).includes('OVER-THE-DEATH'), TURN_MS);
  await fleet.killHost();
  fleet.model.release('death');
  await fleet.up();
  await fleet.turns('claw', before + 1, TURN_MS);
  expect(await fleet.agent('claw')).toMatchObject({ pid, run });
  await fleet.event('message.assistant', ({ data }) => data.text === 'outlived it');
});

// Conversations that are long enough to be summarised.
if (LONG)
  test(
    'is given what is remembered by then once its conversation is summarised',
    async () => {
      for (let n = 0; n < 4; n += 1) await told(`${'lorem ipsum dolor '.repeat(4_000)}[[say noted ${n}]]`);
      const notes = join(fleet.project, 'notes.md');
      fs.writeFileSync(notes, '- The claw hangs in the harbour of Uppsala now.\n');
      await fleet.ok('memory', 'import', notes, '--fleet');
      const host = await fleet.connect();
      const lease = await host.call('takeover', { agent: 'claw', when: 'boundary', cols: 110, rows: 36 });
      let screen = '';
      const shown = (async () => {
        for await (const item of host.stream('attach', { agent: 'claw' }))
          if (item.kind === 'screen' || item.kind === 'chunk')
            screen += Buffer.from(item.data, 'base64').toString();
      })().catch(() => undefined);
      const { generation } = lease;
      const type = (data: string) => host.call('terminalWrite', { agent: 'claw', generation, data });
      await eventually('it shows the conversation', () => screen.includes('noted 3'), START_MS);
      await type('/compact');
      await eventually('it is typed', () => screen.includes('/compact'), TURN_MS);
      await type('\r');
      await eventually('it is summarised', () => /Compacted \(/.test(screen), TURN_MS);
      await host.call('handback', { agent: 'claw', generation, note: 'summarised' });
      const { data } = await fleet.event(
        'memory.recalled',
        (event) => event.data.at === 'compaction',
        TURN_MS,
      );
      expect(data.memories.length).toBeGreaterThan(1);
      await fleet.model.waitFor((request) => saidIn(request).includes('harbour of Uppsala'), TURN_MS);
      await fleet.idle('claw', TURN_MS);
      host.close();
      await shown;
    },
    START_MS + 120_000,
  );

// A second gateway: half of what this file costs.
if (LONG)
  test(
    'goes on in the same conversation when its gateway dies in mid-turn, which is not made again',
    async () => {
      const { run, pid } = await fleet.agent('claw');
      const before = await turnsEnded();
      await fleet.inject('claw', 'HALF-DONE [[hang gateway]]');
      await fleet.model.waitFor((request) => saidIn(request).includes('HALF-DONE'), TURN_MS);
      const gateway = descendants(pid!).find(({ pid: one }) => nameOf(one).startsWith('openclaw'));
      const queued = await fleet.withHost((host) =>
        host.call('inject', { agent: 'claw', text: 'QUEUED-BEHIND', priority: 'later' }),
      );
      await fleet.event('inject.delivered', ({ data }) => data.inject === queued.id, TURN_MS);
      process.kill(gateway!.pid, 'SIGKILL');
      await fleet.until(
        'claw',
        'a new run',
        (view) => view.run !== run && view.state === 'running',
        START_MS,
      );
      // It is told that it was away: a turn of its own.
      await fleet.turns('claw', before + 1, START_MS);
      await told('AFTERWARDS [[say here again]]');
      const said = fleet.model.requests.flatMap((request) =>
        request.conversation === null ? [] : [saidIn(request)],
      );
      const last = said.at(-1)!;
      for (const text of ['BEGIN', 'HALF-DONE', 'AFTERWARDS']) expect(last).toContain(text);
      // Two requests since: the gateway did not go on by itself with the turn that was cut off.
      expect(said.length - said.findIndex((text) => text.includes('HALF-DONE'))).toBe(3);
      expect(last).not.toContain('interrupted by a gateway restart');
      // What only the dead gateway had is neither lost without a word nor sent a second time.
      await fleet.event('inject.unknown', ({ data }) => data.inject === queued.id);
      expect(last).not.toContain('QUEUED-BEHIND');
    },
    START_MS + 120_000,
  );

describe('with its host away it is the runtime that it says it is', { timeout: TURN_MS }, () => {
  const bench: Bench = new Bench(async () => openclawSubjectOn(fleet.model), 'none', true);
  beforeAll(async () => {
    const { run } = await fleet.agent('claw');
    const { generation } = await fleet.withHost((host) => host.call('info'));
    await bench.open();
    bench.begin();
    const { runtime } = bench;
    const spec = await runtime.prepare(bench.agent(), bench.desk.place, null, null);
    await fleet.killHost();
    bench.employ(await TakenEngine.take(fleet, run!, { runtime, spec, generation }), workspace);
  }, 60_000);
  afterAll(async () => {
    await bench.close();
    await fleet.up();
  }, 60_000);
  employedConformance(bench, openclawRuntime('0.0.0-test').capabilities);
  tamperingConformance(bench);
});

test(
  'shows its subagents while they are at work, and is stopped in mid-turn within 5 seconds with all that it started',
  async () => {
    const { run } = await fleet.agent('claw');
    const spawn = (task: string, label: string) => call('sessions_spawn', { task, label });
    const [first, second] = [
      spawn('LOOK-UP [[hang lookup]] [[say looked up]]', 'look it up'),
      spawn('LEFT [[hang left]]', 'left'),
    ];
    await fleet.inject('claw', `${first} ${second} [[say sent off]]`);
    await fleet.event('turn.ended', ({ data }) => data.text === 'sent off', TURN_MS);
    const labelled = <T extends 'subagent.began' | 'subagent.ended'>(topic: T, label: string) =>
      fleet.event(topic, ({ data }) => data.label === label, TURN_MS);
    const began = await labelled('subagent.began', 'look it up');
    await labelled('subagent.began', 'left');
    expect((await fleet.agent('claw')).subagents).toMatchObject([
      { id: began.data.subagent, label: 'look it up', activity: 'thinking' },
      { label: 'left', activity: 'thinking' },
    ]);
    expect(await fleet.ok('ps')).toMatch(
      /claw has 2 subagents at work:\n *⑂ look it up · thinking · .*: LOOK-UP.*\n *⑂ left · thinking/,
    );

    await fleet.inject('claw', 'TO-BE-STOPPED [[hang stop]]');
    await fleet.model.waitFor((request) => saidIn(request).includes('TO-BE-STOPPED'), TURN_MS);
    fleet.model.release('lookup');
    const ended = await labelled('subagent.ended', 'look it up');
    expect(began.data.task).toContain('LOOK-UP');
    expect(ended.data).toMatchObject({ subagent: began.data.subagent, outcome: 'done' });
    expect(ended.data.tokens).toBeGreaterThan(0);
    expect((await fleet.agent('claw')).subagents).toMatchObject([{ label: 'left' }]);

    const tree = treeOf(run!);
    expect(tree.length).toBeGreaterThanOrEqual(3);
    const since = performance.now();
    await fleet.ok('stop', 'claw');
    expect(performance.now() - since).toBeLessThan(8_000);
    expect(tree.filter((entry) => isAlive(entry))).toEqual([]);
    await labelled('subagent.ended', 'left');
    expect((await fleet.agent('claw')).subagents).toEqual([]);
  },
  3 * TURN_MS,
);

function nameOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
  } catch {
    return ''; // it has ended
  }
}
