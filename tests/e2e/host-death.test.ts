/**
 * The host is killed while six agents are each in the middle of something. The next host finds the same
 * engines, every turn goes on, every call is answered once, and the log of events has neither gap nor double.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { ApprovalView } from '../../src/host/api.ts';
import { ofTopic } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const WORDS = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');
const HOARD = Array.from({ length: 12 }, (_, index) => ({
  text: `Hoarded fact ${index}.`,
  key: `fact-${index}`,
}));
const TOOL = 'sleep 3; echo ran >> ran.txt; echo finished';
const QUESTION = { question: 'Which colour?' };
const KEPT = { text: 'Kept over the death of the host.' };

/** A call of an aether tool by an agent of the builtin runtime: those whose subject is the host's side of a call. */
const tool = (name: string, input: unknown) => call(`aether_${name}`, input);
const BUILTIN: readonly string[] = ['asker', 'keeper', 'hoarder'];

const GOALS = {
  streamer: `Stream. [[slow 20 ${WORDS}]] [[hang stream]] [[say The end.]]`,
  worker: `Work. [[hang work]] ${call('Bash', { command: TOOL, description: 'slow' })} [[say worked]]`,
  asker: `Ask. ${tool('ask_operator', QUESTION)} [[say asked]]`,
  keeper: `Keep. [[hang keep]] ${tool('memory_store', KEPT)} [[say kept]]`,
  petitioner: `Petition. ${call('Bash', { command: 'echo granted >> granted.txt', description: 'a wish' })} [[say granted]]`,
  hoarder: `Hoard. [[hang hoard]] ${HOARD.map((fact) => tool('memory_store', fact)).join(' ')} [[say hoarded]]`,
};
const NAMES = Object.keys(GOALS) as (keyof typeof GOALS)[];

/** Everything the engine of this run has printed so far is in its journal, host or no host. */
function journalOf(run: string): string {
  const dir = join(fleet.stateDir, 'runs', run, 'journal');
  return fs
    .readdirSync(dir)
    .map((name) => fs.readFileSync(join(dir, name), 'latin1'))
    .join('');
}

test('kill -9 in mid-turn and in mid-call: the runs go on, each call is answered once', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const engine = (name: string) =>
    BUILTIN.includes(name)
      ? {
          runtime: 'builtin',
          model: 'anthropic:scripted',
          auth: 'ANTHROPIC_API_KEY',
          env: { ANTHROPIC_BASE_URL: fleet.model.url },
        }
      : { runtime: 'claude-code', permissions: { allow: name === 'petitioner' ? [] : ['Bash'] } };
  fleet.configure({
    agents: Object.fromEntries(NAMES.map((name) => [name, { ...engine(name), goal: GOALS[name] }])),
  });
  await fleet.up();
  const last = (word: string) => fleet.model.requests.findLast((request) => saidIn(request).includes(word));

  // Everybody gets into the middle of something.
  await fleet.event('approval.opened', ({ agent }) => agent === 'asker');
  await fleet.event('approval.opened', ({ agent }) => agent === 'petitioner');
  fleet.model.release('hoard');
  fleet.model.release('work');
  await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool');
  await fleet.until('streamer', 'in its turn', (view) => view.activity === 'thinking');
  // Its engine says that it thinks before it asks its model.
  await fleet.model.waitFor((request) => saidIn(request).includes('Stream.'), 30_000);
  await fleet.event('memory.stored', ({ data }) => data.memory.key === HOARD[2]!.key);
  const before = await fleet.withHost((client) => client.call('agents'));
  const keeper = before.find(({ name }) => name === 'keeper')!;

  // Frozen, the host takes the call and does not answer it; then it is dead.
  const host = fleet.hostPid;
  process.kill(host, 'SIGSTOP');
  fleet.model.release('keep');
  await eventually('the call is made', () => journalOf(keeper.run!).includes(KEPT.text), 20_000);
  expect(last('Stream.')?.outcome).toBe('open');
  await fleet.killHost();
  const dead = await fleet.cli(['ps']);
  expect(dead.code).not.toBe(0);
  expect(dead.stderr).toContain('aether up');

  await fleet.up();
  expect(fleet.hostPid).not.toBe(host);
  fleet.model.release('stream');

  const open = await fleet.json<ApprovalView[]>('approvals');
  const of = (agent: string) => open.filter((approval) => approval.agent === agent);
  expect(of('asker')).toMatchObject([{ kind: 'question', title: QUESTION.question }]);
  expect(of('petitioner')).toMatchObject([{ kind: 'permission', title: 'Bash' }]);
  expect(open).toHaveLength(2);
  await fleet.ok('approvals', 'answer', of('asker')[0]!.id, 'Green,', 'like', 'the', 'door');
  await fleet.ok('approvals', 'answer', of('petitioner')[0]!.id, 'allow');

  for (const name of NAMES) {
    const view = await fleet.idle(name, 30_000);
    const { run, pid } = before.find((one) => one.name === name)!;
    expect([name, view.run, view.pid, view.restarts]).toEqual([name, run, pid, 0]);
  }

  // What the models were told: each call has one answer, and it is the right one.
  expect(resultsIn(last('Stream.')!)).toEqual([]);
  expect(resultsIn(last('Work.')!)).toEqual([expect.stringContaining('finished')]);
  expect(resultsIn(last('Ask.')!)).toEqual([expect.stringContaining('Green, like the door')]);
  expect(resultsIn(last('Keep.')!)).toEqual([expect.stringContaining(KEPT.text)]);
  expect(resultsIn(last('Hoard.')!)).toEqual(HOARD.map(({ text }) => expect.stringContaining(text)));
  // Nobody had to ask again: one request for each step of each script.
  const asked = NAMES.map((name) => {
    const word = GOALS[name].split(' ')[0]!;
    return fleet.model.requests.filter((request) => saidIn(request).includes(word)).length;
  });
  expect(asked).toEqual([1, 2, 2, 2, 2, HOARD.length + 1]);
  const wrote = (name: string, file: string) =>
    fs.readFileSync(join(fleet.project, 'workspaces', name, file), 'utf8');
  expect(wrote('worker', 'ran.txt')).toBe('ran\n');
  expect(wrote('petitioner', 'granted.txt')).toBe('granted\n');

  // A third host, with nothing to do, adds nothing but itself.
  const events = await fleet.events();
  await fleet.killHost();
  await fleet.up();
  const after = await fleet.events();
  expect(after.slice(0, events.length)).toEqual(events);
  expect(new Set(after.slice(events.length).map(({ topic }) => topic))).toEqual(
    new Set(['host.started', 'config.applied']),
  );

  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const count = (topic: string, agent: string) =>
    events.filter((event) => event.topic === topic && event.agent === agent).length;
  for (const name of NAMES) {
    expect([name, count('turn.ended', name)]).toEqual([name, 1]);
    expect([name, count('run.started', name) + count('process.started', name)]).toEqual([name, 1]);
    const calls = { streamer: 0, worker: 1, asker: 1, keeper: 1, petitioner: 1, hoarder: HOARD.length }[name];
    expect([name, count('tool.called', name), count('tool.finished', name)]).toEqual([name, calls, calls]);
  }
  expect([count('memory.stored', 'keeper'), count('memory.stored', 'hoarder')]).toEqual([1, HOARD.length]);
  const spoken = ofTopic(events, 'message.assistant').filter(({ agent }) => agent === 'streamer');
  expect(spoken.map(({ data }) => String(data.text).trim())).toEqual([WORDS, 'The end.']);
  const answered = await fleet.json<ApprovalView[]>('approvals', 'list', '--all');
  expect(answered.map(({ agent, state }) => [agent, state]).sort()).toEqual([
    ['asker', 'answered'],
    ['petitioner', 'answered'],
  ]);
}, 120_000);

test('the example tells its story to the end although its host dies twice in it', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  fs.cpSync(fileURLToPath(new URL('../../templates/example', import.meta.url)), fleet.project, {
    recursive: true,
  });
  fleet.write(`${fs.readFileSync(fleet.configFile, 'utf8').replaceAll('\r', '')}\nconsole: { port: 0 }\n`);
  await fleet.up();
  const before = await fleet.withHost((client) => client.call('agents'));
  await fleet.event('memory.stored');
  await fleet.killHost();
  await fleet.up();

  const asked = await fleet.event('approval.opened', () => true, 60_000);
  await fleet.killHost();
  await fleet.up();
  await fleet.ok('approvals', 'answer', String(asked.data.approval), 'dark-mode');
  const finished = (name: string) =>
    fleet.event('report.made', ({ agent, data }) => agent === name && data.status === 'done', 60_000);
  expect(JSON.stringify((await finished('scout')).data)).toContain('dark-mode');
  await finished('writer');

  const events = await fleet.events();
  const count = (topic: string) => events.filter((event) => event.topic === topic).length;
  expect([
    count('memory.stored'),
    count('mail.sent'),
    count('approval.opened'),
    count('report.made'),
  ]).toEqual([2, 2, 1, 2]);
  expect(fs.readFileSync(join(fleet.project, 'writer', 'release-note.md'), 'utf8')).toContain('dark-mode');
  for (const { name, run, pid } of before)
    expect(await fleet.agent(name)).toMatchObject({ run, pid, restarts: 0 });
}, 150_000);
