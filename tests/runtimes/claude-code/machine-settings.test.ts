/**
 * What aether.yaml allows and denies holds in a box whatever settings its /etc has: those of ours, and those of an
 * organisation, beside which the program drops what a host passes to it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Bench } from '../../conformance/runtime-bench.ts';
import { whyNoBox } from '../../support/box.ts';
import { claudeSubject } from './subject.ts';

const FILE = 'claude-code/managed-settings.json';
const noBox = await whyNoBox();
if (noBox !== null) process.stderr.write(`!! rules in boxes CANNOT BE TESTED HERE: ${noBox}\n`);

const bench = new Bench(claudeSubject, 'bubblewrap');
beforeAll(() => bench.open());
afterAll(() => bench.close());
beforeEach(() => bench.begin());
afterEach(() => bench.end());

test.runIf(noBox === null).each([
  { whose: 'ours', text: undefined },
  { whose: 'an organisation’s', text: '{ "cleanupPeriodDays": 30 }\n' },
])(
  'rules hold beside settings of the machine: $whose',
  async ({ text }) => {
    const { subject, runtime, desk } = bench;
    const goal = `[[call ${subject.echoTool} {"text":"ping"}]] ${bench.shellWriting('denied')} [[say done]]`;
    const agent = bench.agent({ goal, permissions: { mode: 'ask', allow: [], deny: [subject.shellTool] } });
    const spec = await runtime.prepare(agent, desk.place, null, null);
    expect(spec.uses.etc).toHaveProperty([FILE]);
    if (text !== undefined) spec.uses.etc![FILE] = text;
    const engine = bench.run(spec);
    expect((await bench.ended(engine)).outcome).toBe('done');
    // Where no rule holds a person is asked about both.
    expect(engine.observed.find('permission-asked')).toBeUndefined();
    expect(engine.observed.find('tool-result')).toMatchObject({ isError: false, text: 'echo: ping' });
    expect(bench.written('denied')).toBe(false);
  },
  90_000,
);
