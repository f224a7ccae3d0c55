/** Every topic, in the console and in a terminal; and logs that another version wrote. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { itemOf } from '../../../src/console/web/live/item-of.ts';
import { Spans } from '../../../src/console/web/live/spans.ts';
import { Transcript } from '../../../src/console/web/live/transcript.ts';
import { eventLines, shownTopics } from '../../../src/host/cli/transcript.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { Events } from '../../../src/host/events/events.ts';
import type { Renderers } from '../../../src/host/events/sentences.ts';
import type { EventView, Topic } from '../../../src/host/events/topics.ts';
import { randomIds } from '../../../src/host/ids.ts';
import { openLog } from '../../../src/host/log.ts';
import { Store } from '../../../src/host/store/store.ts';
import { sampleEvents, samples, samplesOf } from '../../support/sample-events.ts';

const item = (event: EventView) => itemOf(event, new Spans());
const lines = (event: EventView) =>
  eventLines(event, (words) => `aether ${words}`).map((line) => stripVTControlCharacters(line));
/** In the console, then in a terminal. */
const words = (topic: Topic) =>
  samplesOf(topic).map((event) => {
    const drawn = item(event);
    const said = drawn?.kind === 'rule' || drawn?.kind === 'note' ? drawn.text : (drawn?.kind ?? null);
    return [said, lines(event)[0] ?? null];
  });

it.each(Object.keys(samples) as Topic[])('%s is drawn as what it is', (topic) => {
  for (const event of samplesOf(topic)) {
    const drawn = item(event);
    expect(drawn?.kind, JSON.stringify(event.data)).not.toBe('other');
    const text = [JSON.stringify(drawn), ...lines(event)].join('\n');
    expect(text).not.toMatch(/undefined|NaN|\[object|^agent\.|^run\./);
    // Its name is for programs.
    expect(lines(event).join('\n')).not.toContain(topic);
  }
});

it('a renderer that forgets a topic without a sentence does not compile', () => {
  // @ts-expect-error every other topic is missing
  const forgetful: Renderers<null> = { 'host.started': null };
  expect(Object.keys(forgetful)).toEqual(['host.started']);
});

it('says in the terminal, too, what stands still, is stuck, or went past the gate', () => {
  expect(words('run.stuck')[1]).toEqual([
    'Stuck: the watchdog interrupts the turn',
    '● Stuck: the watchdog interrupts the turn',
  ]);
  expect(words('hold.held')).toEqual([['Held', '⏸ Held']]);
  expect(words('gate.bypassed')).toEqual([
    [
      'A tool ran without having asked the gate, or before it was answered.',
      '! A tool ran without having asked the gate, or before it was answered.',
    ],
  ]);
  expect(words('authority.narrowed')[0]![0]).toBe(
    'From now on it follows mail from scout: calls that scout may not make wait for you.',
  );
  expect(words('authority.narrowed')[2]![0]).toContain('it follows a memory from scout');
  expect(words('authority.widened')[0]![0]).toMatch(
    /trusts what scout, laptop said in this conversation so far\.$/,
  );
});

it('tells the ends of a take-over apart, also those that an older version called expired', () => {
  expect(words('lease.cancelled')[0]).toEqual([
    'ann@desk gave up the take-over before it began',
    '⌨ ann@desk gave up the take-over before it began',
  ]);
  expect(words('lease.failed')[0]![1]).toBe('⌨ ann@desk could not take over');
  expect(words('lease.ended')[0]![1]).toBe('⌨ The take-over of ann@desk ended after 2 min');
  expect(words('lease.expired').map(([, line]) => line)).toEqual([
    '⌨ ann@desk vanished; handed back for them after 10 min',
    '⌨ The take-over of ann@desk ended',
  ]);
  expect(lines(samplesOf('lease.expired')[1]!)[1]).toBe('  cancelled before the boundary');
});

it('a topic or a form of another version is shown as it is', () => {
  const [event] = sampleEvents;
  const foreign = { ...event!, topic: 'moon.rose', data: { full: true } } as unknown as EventView;
  expect(item(foreign)).toMatchObject({ kind: 'other', topic: 'moon.rose', data: { full: true } });
  expect(lines(foreign)).toEqual(['moon.rose {"full":true}']);
  const [mail] = samplesOf('mail.sent');
  const odd = { ...mail!, data: { letter: 1 } } as unknown as EventView;
  expect(item(odd)).toMatchObject({ kind: 'other', topic: 'mail.sent' });
  expect(lines(odd)).toEqual(['mail.sent {"letter":1}']);
  const transcript = new Transcript();
  transcript.add([odd, foreign]);
  expect(transcript.items).toHaveLength(2);
});

it('the filter of `logs` lets through what has lines, and names each family once where it can', () => {
  const shown = shownTopics();
  const let_ = (topic: string) => shown.some((prefix) => topic.startsWith(prefix));
  for (const event of sampleEvents)
    if (lines(event).length > 0) expect([event.topic, let_(event.topic)]).toEqual([event.topic, true]);
  expect(let_('usage.recorded') || let_('mcp.called')).toBe(false);
  expect(shown).toContain('lease.');
  expect(shown.length).toBeLessThan(50);
});

it.each(fs.readdirSync('tests/fixtures/databases').filter((name) => name.endsWith('.db')))(
  'the log of %s is drawn, every event as what it is',
  (name) => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'aether-renderers-'));
    const file = join(dir, 'aether.db');
    fs.copyFileSync(join('tests/fixtures/databases', name), file);
    const store = new Store(file);
    const events = new Events({ store, clock: systemClock, ids: randomIds, log: openLog(undefined) });
    const log = events.list({ limit: 1_000 });
    expect(log.length).toBeGreaterThan(50);
    for (const event of log) {
      expect(item(event)?.kind, JSON.stringify(event)).not.toBe('other');
      expect(lines(event).join('\n')).not.toMatch(/undefined|NaN|\[object/);
    }
    store.close();
    fs.rmSync(dir, { recursive: true });
  },
);
