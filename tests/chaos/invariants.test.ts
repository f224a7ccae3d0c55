/** Whoever judges the chaos must be able to find it: of a fleet that is well, each single thing is spoilt in turn. */
import { expect, test } from 'vitest';
import type { AgentView } from '../../src/host/api.ts';
import type { EventRow } from '../../src/host/store/events.ts';
import { castOf } from './cast.ts';
import type { Evidence } from './evidence.ts';
import { hashOf, judge, leftovers } from './invariants.ts';

const view = (name: string) =>
  ({ name, state: 'running', requested: null, pending: null, lease: null, hold: null }) as AgentView;
const run = (id: string, agent: string) => ({ id, agent, state: 'running', exited_ms: null, exit: null });
const ended = (id: string, agent: string, cause: string) => ({
  id,
  agent,
  state: 'exited',
  exited_ms: 1,
  exit: JSON.stringify({ cause }),
});
const stream = (id: string, lines: number, errorLines: number, spawned = 1) => ({
  run: id,
  lines,
  errorLines,
  bytes: 0,
  spawned,
  exits: 0,
  frames: new Map<string, number>(),
});

function chained(events: Omit<EventRow, 'seq' | 'hash'>[]): EventRow[] {
  let before = '';
  return events.map((event, index) => {
    const row = { ...event, seq: index + 1, hash: '' };
    row.hash = hashOf(before, row);
    before = row.hash;
    return row;
  });
}
const event = (id: string, topic: string, of: string | null, data: object) => ({
  id,
  at_ms: 1,
  topic,
  agent: null,
  run: of,
  principal: 'host',
  grade: 'observed',
  data: JSON.stringify(data),
});

/** One steady agent, one whose engine was killed, one that was restarted, one that talks: all as it must be. */
function well() {
  const cast = castOf(4, 1);
  return {
    cast,
    names: ['steady-0', 'fragile-0', 'volatile-0', 'talker-0'],
    edition: 1,
    filled: false,
    grouped: true,
    killedRuns: new Map<string, 'engine' | 'shim'>([['f1', 'engine']]),
    killedAgents: new Set<string>(['fragile-0']),
    streams: [
      stream('s', 20, 2),
      stream('f1', 7, 0),
      stream('f2', 10, 0),
      stream('v1', 10, 0),
      stream('v2', 10, 0),
      stream('t', 0, 0),
    ],
    ledgers: [
      {
        run: 's',
        asked: new Set(['fact:s:1', 'ask:s:2', 'mail:s:3', 'fact:s:4']),
        acked: new Set(['fact:s:1', 'ask:s:2', 'mail:s:3']),
        refused: [] as { key: string; why: string }[],
        doubled: [] as string[],
        told: 20,
        errorsTold: 2,
      },
    ],
    runs: [
      run('s', 'steady-0'),
      ended('f1', 'fragile-0', 'exited'),
      run('f2', 'fragile-0'),
      ended('v1', 'volatile-0', 'stopped'),
      run('v2', 'volatile-0'),
      run('t', 'talker-0'),
    ],
    events: chained([
      event('1', 'engine.note', 's', { text: 'e=000000001 s' }),
      event('2', 'run.started', 't', {}),
      event('3', 'engine.note', 's', { text: 'e=000000002 s' }),
    ]),
    stored: ['fact:s:1', 'mail:s:3', 'talk:talker-0:0'],
    receipts: [
      { id: 'a', state: 'acted' },
      { id: 'b', state: 'seen' },
      { id: 'c', state: 'acted' },
    ],
    questions: [{ run: 's', title: 'ask:s:2', state: 'answered', answer: '{}' }],
    notes: [
      { id: 'a', agent: 'talker-0', number: 0, priority: 'next' as const, text: 'note#0;' },
      { id: 'b', agent: 'talker-0', number: 1, priority: 'later' as const, text: 'note#1;' },
      { id: 'c', agent: 'talker-0', number: 2, priority: 'next' as const, text: 'note#2;' },
    ],
    tools: new Map([[1, 1]]),
    conversations: new Map([
      ['talker-0', { read: [0, 2, 1], results: ['stored talk:talker-0:0', 'tool:1:\n'] }],
    ]),
    told: [[0], [0, 2], [0, 2, 1]],
    views: ['steady-0', 'fragile-0', 'volatile-0', 'talker-0'].map(view),
    editions: new Map([['volatile-0', '1']]),
    processes: ['s', 'f2', 'v2', 't'].flatMap((id) => [
      { run: id, shim: true, command: 'aether-shim' },
      { run: id, shim: false, command: 'node teller' },
    ]),
  };
}
type Well = ReturnType<typeof well>;

test('finds nothing where all is well', () => {
  expect(judge(well() satisfies Evidence)).toEqual([]);
});

test.each<[string, RegExp, (fleet: Well) => unknown]>([
  ['output that is lost', /run s printed 21 lines/, (f) => Object.assign(f.ledgers[0]!, { told: 21 })],
  [
    'stderr that is lost',
    /printed 20 lines and 3 of stderr/,
    (f) => Object.assign(f.ledgers[0]!, { errorsTold: 3 }),
  ],
  [
    'a journal that was not processed',
    /has 3 lines of stderr, and 2 became/,
    (f) => Object.assign(f.streams[0]!, { errorLines: 3 }),
  ],
  [
    'a journal that was processed twice',
    /stderr line 2 of run s became an event after line 2/,
    (f) => {
      f.events = chained([...f.events, event('4', 'engine.note', 's', { text: 'e=000000002 s' })]);
    },
  ],
  [
    'an acknowledged call that is lost',
    /acknowledged call mail:s:3 is stored 0 times/,
    (f) => f.stored.splice(1, 1),
  ],
  [
    'one that is done twice',
    /acknowledged call fact:s:1 is stored 2 times/,
    (f) => f.stored.push('fact:s:1'),
  ],
  [
    'one that nobody acknowledged done twice',
    /call fact:s:4, never acknowledged, is stored 2/,
    (f) => f.stored.push('fact:s:4', 'fact:s:4'),
  ],
  [
    'an answer too many',
    /an answer it must not get: doubled answer-7/,
    (f) => f.ledgers[0]!.doubled.push('doubled answer-7'),
  ],
  [
    'a call that was refused',
    /call fact:s:4 was refused: no/,
    (f) => f.ledgers[0]!.refused.push({ key: 'fact:s:4', why: 'no' }),
  ],
  [
    'one that was refused for want of space, and done',
    /call fact:s:1 was refused and is stored nevertheless/,
    (f) => {
      f.filled = true;
      f.ledgers[0]!.refused.push({ key: 'fact:s:1', why: 'The disk of x is full: this could not be stored' });
    },
  ],
  [
    "a model's call that is lost",
    /talker-0 was told that talk:talker-0:0 is stored, and it is there 0/,
    (f) => f.stored.splice(2, 1),
  ],
  [
    "a model's call that is done twice",
    /talk:talker-0:0 is stored 2 times/,
    (f) => f.stored.push('talk:talker-0:0'),
  ],
  [
    'a question that is asked twice',
    /the operator was asked 2 times: ask:s:2/,
    (f) => f.questions.push({ ...f.questions[0]! }),
  ],
  [
    'an answer to a question that is open',
    /ask:s:2 has its answer, and the question is open/,
    (f) => Object.assign(f.questions[0]!, { state: 'open' }),
  ],
  [
    'a run that is lost',
    /run v1 of volatile-0 ended by itself/,
    (f) => Object.assign(f.runs[3]!, { exit: '{"cause":"lost"}' }),
  ],
  [
    'a second run of whom nobody touched',
    /steady-0, which nobody touched, has 2 runs/,
    (f) => f.runs.push(run('s2', 'steady-0')),
  ],
  [
    'a dead run that is held for alive',
    /run f1 of fragile-0 is held for alive \(running\) although its engine was killed/,
    (f) => Object.assign(f.runs[1]!, run('f1', 'fragile-0')),
  ],
  [
    'a run that ends twice',
    /the journal of run v1 tells of 2 ends/,
    (f) => Object.assign(f.streams[3]!, { exits: 2 }),
  ],
  [
    'a process that outlives its run',
    /a process of the ended run v1 still lives: chaos-daemons/,
    (f) => f.processes.push({ run: 'v1', shim: false, command: 'chaos-daemons' }),
  ],
  ['a run without a shim', /run s, held for alive, has 0 shims/, (f) => f.processes.splice(0, 2)],
  [
    'a run with two shims',
    /run s, held for alive, has 2 shims/,
    (f) => f.processes.push({ run: 's', shim: true, command: 'aether-shim' }),
  ],
  ['an event that is missing', /event 2 is missing, 3 follows/, (f) => f.events.splice(1, 1)],
  [
    'an event that was changed',
    /the chain of events breaks at 2 \(run.started\)/,
    (f) => Object.assign(f.events[1]!, { at_ms: 2 }),
  ],
  ['an agent that the file does not name', /the file names .*, there are /, (f) => f.names.pop()],
  [
    'an agent that does not run',
    /steady-0 is failed/,
    (f) => Object.assign(f.views[0]!, { state: 'failed' }),
  ],
  ['an agent that is still held', /talker-0 is running/, (f) => Object.assign(f.views[3]!, { hold: {} })],
  [
    'an edit that was not applied',
    /volatile-0 runs edition 1, and the file says edition 2/,
    (f) => Object.assign(f, { edition: 2 }),
  ],
  [
    'a note that is lost',
    /talker-0 was never told note 1, whose receipt says seen/,
    (f) => f.conversations.get('talker-0')!.read.pop(),
  ],
  [
    'a note that is told twice',
    /talker-0 was told note 0 2 times/,
    (f) => f.conversations.get('talker-0')!.read.push(0),
  ],
  [
    'a note that overtakes another',
    /talker-0 was told its notes \(next\) in the order 2,0/,
    (f) => f.conversations.get('talker-0')!.read.splice(0, 2, 2, 0),
  ],
  [
    'a note that nobody knows the fate of',
    /the receipt of note 1 to talker-0 says unknown/,
    (f) => Object.assign(f.receipts[1]!, { state: 'unknown' }),
  ],
  [
    'a talker that was told nothing',
    /no model was ever told the last note to talker-0/,
    (f) => f.conversations.clear(),
  ],
  ["somebody else's note", /one request has notes to talker-0 and nobody/, (f) => f.told.push([0, 99])],
  ['a command that ran twice', /the command of note 1 ran 2 times/, (f) => f.tools.set(1, 2)],
  [
    'a command that never ran',
    /was given the result of the command of note 1, which ran 0 times/,
    (f) => f.tools.clear(),
  ],
])('finds %s', (_, what, spoil) => {
  const fleet = well();
  spoil(fleet);
  expect(judge(fleet)).toContainEqual(expect.stringMatching(what));
});

test.each<[string, (fleet: Well) => unknown]>([
  [
    'a killed shim may have lost the end of its journal',
    (f) => {
      f.killedRuns.set('f1', 'shim');
      f.ledgers.push({
        ...f.ledgers[0]!,
        run: 'f1',
        asked: new Set(),
        acked: new Set(),
        told: 9,
        errorsTold: 0,
      });
    },
  ],
  [
    'a run that was never given a process is none',
    (f) => {
      f.runs.push(ended('s0', 'steady-0', 'lost'));
      f.streams.push(stream('s0', 0, 0, 0));
    },
  ],
  [
    'a full disk refuses',
    (f) => {
      f.filled = true;
      f.ledgers[0]!.refused.push({ key: 'fact:s:4', why: 'The disk of x is full: this could not be stored' });
    },
  ],
  [
    'what a killed engine had not read is unknown',
    (f) => {
      f.killedAgents.add('talker-0');
      Object.assign(f.receipts[1]!, { state: 'unknown' });
      f.conversations.get('talker-0')!.read.pop();
    },
  ],
])('knows that %s', (_, change) => {
  const fleet = well();
  change(fleet);
  expect(judge(fleet)).toEqual([]);
});

test('finds what a proper end leaves behind', () => {
  expect(leftovers({ processes: [], groups: [], sockets: ['host.lock'] })).toEqual([]);
  expect(
    leftovers({
      processes: [{ command: 'sleep' }],
      groups: ['/sys/x'],
      sockets: ['host.lock', 'control.sock'],
    }),
  ).toEqual([
    'a process is left: sleep',
    'control group /sys/x is left',
    'control.sock is left among the sockets',
  ]);
});
