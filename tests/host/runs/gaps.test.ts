/** How well things are known of a run: in a sandbox, in a weaker one, and beside agents without one. */
import { expect, test } from 'vitest';
import { type Gap, gapsOf, graded } from '../../../src/host/runs/gaps.ts';
import { type BoxSpec, type RunSandbox, unconfined } from '../../../src/host/store/run-sandbox.ts';

const box = (more: Partial<BoxSpec> = {}, sandbox: Partial<RunSandbox> = {}): RunSandbox => ({
  name: 'bubblewrap',
  boxes: [{ run: 'r', name: 'engine', read: [], write: [], network: 'own', ...more }],
  ...sandbox,
});
const run = (agent: string, sandbox: RunSandbox) => ({ agent, sandbox });

const evidence = {
  gate: { source: 'gate', grade: 'enforced' },
  pause: { source: 'shim', grade: 'enforced' },
  word: { source: 'engine', grade: 'observed' },
  state: { source: 'shim', grade: 'observed' },
  call: { source: 'engine', grade: 'claimed' },
} as const;
const grades = (gaps: readonly Gap[]) =>
  Object.fromEntries(Object.entries(evidence).map(([name, known]) => [name, graded(known, gaps).grade]));

const HELD = { gate: 'enforced', pause: 'enforced', word: 'observed', state: 'observed', call: 'claimed' };

test.each<[string, RunSandbox, RunSandbox[], Partial<typeof HELD>, string[]]>([
  ['in a sandbox', box(), [box()], {}, []],
  [
    'without one, whatever others have',
    unconfined('r'),
    [unconfined('s')],
    { gate: 'observed', pause: 'observed', word: 'claimed' },
    ['without a sandbox its tools have the rights of your user'],
  ],
  [
    'in one with debuggers',
    box({ debug: true }),
    [],
    { gate: 'observed', word: 'claimed' },
    ['`debug: true` lets its tools trace its engine'],
  ],
  [
    'in one with an engine that runs from its own file',
    box({}, { openEngine: '/opt/engine is a script for sh, which may start anything' }),
    [box()],
    { gate: 'observed', word: 'claimed' },
    ['its tools can reach into its engine: /opt/engine is a script for sh, which may start anything'],
  ],
  [
    'in one beside agents without',
    box(),
    [unconfined('s'), box(), unconfined('t')],
    { gate: 'observed', pause: 'observed' },
    ['other-0 and 1 more, without a sandbox, can act as your user'],
  ],
])('%s', (_name, own, others, lower, why) => {
  const live = [run('own', own), ...others.map((sandbox, at) => run(`other-${at}`, sandbox))];
  const gaps = gapsOf(live[0]!, live);
  expect(grades(gaps)).toEqual({ ...HELD, ...lower });
  expect(gaps.map((gap) => gap.why)).toEqual(why);
});

test('one that never ran has nothing that could be forged', () => {
  expect(gapsOf(null, [run('other', unconfined('r'))])).toEqual([]);
});
