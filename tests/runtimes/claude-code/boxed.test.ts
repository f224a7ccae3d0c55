/**
 * What of Claude Code a box could break and no other engine has. Rules of aether.yaml hold whatever settings its /etc
 * has: those of ours, and those of an organisation, beside which the program drops what a host passes to it. Hooks of a
 * start run, which need a place in its configuration.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Bench } from '../../conformance/runtime-bench.ts';
import { whyNoBox } from '../../support/box.ts';
import { eventually } from '../../support/eventually.ts';
import { claudeSubject } from './subject.ts';

const FILE = 'claude-code/managed-settings.json';
const noBox = await whyNoBox();
if (noBox !== null) process.stderr.write(`!! Claude Code in boxes CANNOT BE TESTED HERE: ${noBox}\n`);

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

test.runIf(noBox === null)(
  'hooks of a start run: of a trusted repository, and by which a person is followed into another conversation',
  async () => {
    const { runtime, desk } = bench;
    const command = 'touch "$CLAUDE_PROJECT_DIR/ran"';
    const settings = { hooks: { SessionStart: [{ matcher: '', hooks: [{ type: 'command', command }] }] } };
    fs.mkdirSync(join(desk.workspace, '.claude'));
    fs.writeFileSync(join(desk.workspace, '.claude', 'settings.json'), JSON.stringify(settings));
    const engine = await bench.start({ goal: '[[say hello]]', trust: true });
    await bench.ended(engine);
    expect(bench.written('ran')).toBe(true);
    await engine.stop();

    const { observed } = engine;
    const { session } = observed.state;
    const terminal = await bench.terminal(observed, { cols: 120, rows: 40 });
    await terminal.shows(bench.subject.terminalReady);
    await terminal.type('/clear');
    await eventually('the terminal says where it went', () => {
      const { path } = runtime.tail!(bench.agent(), desk.place, observed.state)!;
      return !path.includes(session!);
    });
  },
  90_000,
);
