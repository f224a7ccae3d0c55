/** The bundled example, as `npm start` runs it: the story has to come out whoever is first. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ApprovalView } from '../../../src/host/api.ts';
import { readRecording } from '../../../src/runtimes/builtin/loop/replay/recording.ts';
import { type FleetConfig, LiveFleet } from '../../support/live-fleet.ts';
import { LONG } from '../../support/run-tree.ts';

const EXAMPLE = fileURLToPath(new URL('../../../templates/example', import.meta.url));

let fleet: LiveFleet | undefined;
afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

/** The example in a directory of its own; `late` waits for an operator to start it. */
async function example(late: string | null): Promise<LiveFleet> {
  fleet = await LiveFleet.make({ agents: {} });
  cpSync(EXAMPLE, fleet.project, { recursive: true });
  const config = parse(readFileSync(join(EXAMPLE, 'aether.yaml'), 'utf8')) as FleetConfig;
  if (late !== null) config.agents[late] = { ...config.agents[late], autostart: false };
  fleet.write(stringify({ ...config, console: { port: 0 } }));
  await fleet.up();
  return fleet;
}

const answers = (view: ApprovalView[]) => view.find((approval) => approval.kind === 'question');

/** In the short form the scout is late, for whose letter the writer waits: nobody is in e2e/host-death.test.ts. */
const LATE = LONG ? [null, 'scout', 'writer'] : ['scout'];

test.each(LATE)(
  'two agents, one question, one note (late: %s)',
  async (late) => {
    const fleet = await example(late);
    if (late !== null) {
      // Whoever is there has to be waiting for the other before that one comes.
      const first = late === 'scout' ? 'writer' : 'scout';
      if (first === 'scout') await fleet.event('turn.ended', ({ agent }) => agent === 'scout');
      else await fleet.event('tool.finished', ({ agent }) => agent === 'writer');
      await fleet.act('start', late);
    }
    await fleet.event('approval.opened', ({ data }) => data.kind === 'question', 60_000);
    const question = answers(await fleet.json<ApprovalView[]>('approvals'))!;
    expect(question).toMatchObject({ agent: 'writer', state: 'open' });
    expect(question.detail.choices).toEqual(['csv-export', 'full-text-search', 'dark-mode']);
    await fleet.ok('approvals', 'answer', question.id, 'dark-mode');
    await fleet.event(
      'turn.ended',
      ({ agent, data }) => agent === 'scout' && String(data.text).includes('This recording ends here'),
      60_000,
    );

    const note = readFileSync(join(fleet.project, 'writer', 'release-note.md'), 'utf8');
    expect(note).toContain('leads with: “dark-mode”');
    expect(note).toContain('csv-export was wished for 5 times');
    const events = await fleet.events();
    const reports = events.filter(({ topic }) => topic === 'report.made');
    expect(reports.map(({ agent }) => agent).sort()).toEqual(['scout', 'writer']);
    expect(JSON.stringify(reports)).toContain('dark-mode');
    // What the scout counted is what the writer read: nothing was written into the recording.
    const words = note.trim().split(/\s+/).length;
    const mail = events.filter(({ topic }) => topic === 'mail.sent');
    expect(mail).toHaveLength(2);
    expect(JSON.stringify(mail[1]!.data)).toContain(`${words} words`);
    // An agent whose recording is over answers honestly.
    await fleet.ok('inject', 'scout', 'what did customers wish for?', '--wait', 'acted');
    const said = (await fleet.events({ agent: 'scout', topics: ['message.assistant'] })).at(-1)!;
    expect(said.data.text).toContain('csv-export leads with 5');
    expect(said.data.text).toContain('Played from a recording');
  },
  120_000,
);

test('the story is told slowly enough to follow, and no slower', () => {
  const delays = ['scout', 'writer'].flatMap((name) =>
    readRecording(join(EXAMPLE, 'recordings', `${name}.json`)).steps.map((step) => step.delay_ms),
  );
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(400);
  expect(Math.max(...delays)).toBeLessThanOrEqual(1_200);
  expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeLessThan(20_000);
});
