/** How a message becomes keys, by what a program has printed: modes and words, cut anywhere. */
import { describe, expect, test } from 'vitest';
import { ADAPTER_NAMES, adapterNamed } from '../../../src/runtimes/command/adapter.ts';
import { adapterRecord } from '../../../src/runtimes/command/adapter-record.ts';
import { ADAPTERS } from '../../../src/runtimes/command/adapters.ts';
import { commandObserver } from '../../../src/runtimes/command/observer.ts';
import { commandRuntime } from '../../../src/runtimes/command/runtime.ts';
import { withoutKeys } from '../../../src/runtimes/command/typing.ts';
import type { EngineState } from '../../../src/runtimes/runtime.ts';

const ESC = '\x1b';
const ON = `${ESC}[?2004h`;
const OFF = `${ESC}[?2004l`;

function printed(chunks: string[], adapter?: string): EngineState & { events: string[] } {
  let state = commandObserver.initial(null, adapter === undefined ? undefined : { session: null, adapter });
  const events: string[] = [];
  for (const chunk of chunks) {
    const seen = commandObserver.line(state, 'out', chunk);
    state = JSON.parse(JSON.stringify(seen.state)) as EngineState;
    events.push(...seen.events.map((event) => (event.kind === 'activity' ? event.activity : event.kind)));
  }
  return { ...state, events };
}

const type = (text: string, state: EngineState, options: Record<string, unknown> = {}) =>
  commandRuntime.typing!({ id: 'i', text }, { state, options });

describe('bracketed paste is followed', () => {
  test.each<[string, string[], boolean]>([
    ['nothing', ['hello'], false],
    ['on', [`hello ${ON}`], true],
    ['on and off', [ON, OFF], false],
    ['off and on in one piece', [`${OFF}x${ON}`], true],
    ['one of several modes', [`${ESC}[?1049;2004;25h`], true],
    ['another mode', [`${ESC}[?12004h${ESC}[?20040h`], false],
    ['a reset of the terminal', [ON, `${ESC}c`], false],
    ['the text of it, without its ESC', ['[?2004h'], false],
  ])('%s', (_what, chunks, paste) => {
    expect(printed(chunks)).toMatchObject({ paste });
  });

  test('wherever a sequence is cut', () => {
    const whole = `abc${ESC}[2J${ON}def`;
    for (let at = 0; at <= whole.length; at += 1)
      for (let then = at; then <= whole.length; then += 3)
        expect(
          printed([whole.substring(0, at), whole.substring(at, then), whole.substring(then)]),
        ).toMatchObject({ paste: true });
  });

  test('what never ends is not kept', () => {
    expect(printed([`${ESC}[?${'1;'.repeat(50_000)}`, 'x'.repeat(100_000)])).toMatchObject({ rest: '' });
  });
});

describe('typed', () => {
  const prompt = printed([ON]);

  test('pasted as one where it can be, and Enter apart', () => {
    expect(type('one\ntwo\r\nthree\n', prompt)).toEqual({
      before: [{ id: 'i/text', data: `${ESC}[200~one\rtwo\rthree${ESC}[201~` }],
      id: 'i',
      data: '\r',
      how: expect.stringMatching(/^pasted as one .*Enter sent separately/),
    });
  });

  test('no key of the text is a key: the frame cannot be left from inside', () => {
    const typed = type(`a${ESC}[201~b\x03c\u009b1;1Hd\x9b\te`, prompt);
    expect(typed).toMatchObject({ before: [{ data: `${ESC}[200~a[201~bc1;1Hd\te${ESC}[201~` }] });
    expect(typed).toMatchObject({ how: expect.stringContaining('4 control characters were left out') });
  });

  test('a line to a program of lines', () => {
    expect(type('ls', printed(['$ ']))).toEqual({ id: 'i', data: 'ls\r', how: 'typed as a line' });
    expect(type('ls\n', printed([]))).toEqual({ id: 'i', data: 'ls\r', how: 'typed as a line' });
  });

  test('several lines to a program of lines: as `multiline` says', () => {
    const lines = printed(['$ ']);
    expect(type('a\nb', lines)).toMatchObject({ not: 'ever', why: expect.stringContaining('one by one') });
    expect(type('a\nb', lines, { multiline: 'refuse' })).toMatchObject({ not: 'ever' });
    expect(type(' a\n\n  b \n', lines, { multiline: 'join' })).toMatchObject({
      data: 'a b\r',
      how: 'its 3 lines were typed as one',
    });
    expect(type('a\nb', lines, { multiline: 'type' })).toMatchObject({ data: 'a\nb\r' });
  });

  test('several lines wait for a program that has not printed yet, and for one that took pastes before', () => {
    expect(type('a\nb', printed([]))).toMatchObject({ not: 'now' });
    expect(type('a\nb', printed([ON, OFF]))).toMatchObject({ not: 'now' });
    // A line is typed ahead, as ever.
    expect(type('a', printed([ON, OFF]))).toMatchObject({ data: 'a\r' });
  });

  test('a state of an earlier version is one of which nothing is known', () => {
    const { state } = commandObserver.line({ session: null, spoke: true }, 'out', ON);
    expect(state).toMatchObject({ paste: true, spoke: true });
    expect(type('a\nb', { session: null, spoke: true })).toMatchObject({ not: 'ever' });
  });
});

test('control characters are counted, line ends are one kind', () => {
  expect(withoutKeys('a\r\nb\rc\n\n')).toEqual({ plain: 'a\nb\nc', note: '' });
  expect(withoutKeys('a\x07')).toEqual({ plain: 'a', note: '; one control character was left out' });
});

describe('known programs', () => {
  test('each record is plain data that its schema takes', () => {
    expect(ADAPTER_NAMES).toEqual(['aider', 'codex', 'gemini', 'opencode']);
    for (const [name, record] of Object.entries(ADAPTERS)) {
      expect(adapterRecord.safeParse(JSON.parse(JSON.stringify(record))).error, name).toBeUndefined();
      expect(adapterNamed(name)!.submit).toBe('\r');
    }
    expect(adapterNamed('opencode')!.interrupt).toEqual([ESC, ESC]);
    for (const other of ['toString', '', null]) expect(adapterNamed(other)).toBeNull();
  });

  test.each<[string, object]>([
    ['a key without a name', { submit: '\r' }],
    ['a key of the record that does not exist', { prompt: ['x> '] }],
    ['no expression', { ready: ['ready ('] }],
    ['an expression that matches the empty text', { busy: ['(?:busy)*'] }],
    ['no mark at all', { asks: [] }],
  ])('a record with %s is refused', (_what, change) => {
    expect(adapterRecord.safeParse({ ...ADAPTERS.codex, ...change }).success).toBe(false);
  });

  test('a message waits for the prompt, and for the end of a question', () => {
    const say = (...chunks: string[]) => type('hi', printed(chunks, 'codex'), { adapter: 'codex' });
    expect(say()).toMatchObject({ not: 'now', why: 'codex does not show its prompt yet' });
    expect(say(ON)).toMatchObject({ not: 'now' });
    expect(say('Ask Codex to do anything')).toMatchObject({ not: 'now' });
    expect(say(ON, 'Ask Codex to do anything')).toMatchObject({ data: '\r' });
    expect(say(ON, `Ask ${ESC}[1mCodex${ESC}[`, `2`, `2m to`, ' do anything')).toMatchObject({ data: '\r' });
    expect(say(ON, 'Ask Codex to do anything', 'Working (0s • esc to interrupt)')).toMatchObject({
      data: '\r',
    });
    expect(say(ON, 'Ask Codex to do anything', 'Would you like to run it?')).toMatchObject({
      not: 'now',
      why: expect.stringContaining('which Enter would make'),
    });
    expect(say(ON, 'Would you like to run it?', 'esc to interrupt', '? for shortcuts')).toMatchObject({
      data: '\r',
    });
  });

  test('what it is at is told by the newest word on its screen', () => {
    const { events } = printed(
      [
        ON,
        'Ask Codex to do anything',
        '(3s • esc to interrupt)',
        '(4s)',
        'Would you like to',
        '? for shortcuts',
      ],
      'codex',
    );
    expect(events).toEqual(['ready', 'unknown', 'idle', 'thinking', 'waiting-for-operator', 'idle']);
  });

  test('another process of the run is known, too; without an adapter no word counts', () => {
    const first = printed([ON, 'Ask Codex to do anything'], 'codex');
    expect(commandObserver.initial(null, first)).toMatchObject({
      adapter: 'codex',
      mark: null,
      prompted: false,
    });
    expect(printed([ON, 'Would you like to']).events).toEqual(['ready', 'unknown']);
  });

  test('a title counts as a word; where work is drawn beside a question, only the prompt ends that', () => {
    const title = (words: string) => `${ESC}]0;${words}  \x07`;
    expect(
      printed([ON, title('◇  Ready (ws)'), 'esc to cancel', title('✦  Working… (ws)')], 'gemini').events,
    ).toEqual(['ready', 'unknown', 'idle', 'thinking']);
    const asking = [ON, 'Ask anything…', 'esc interrupt', 'Permission required', 'esc interrupt'];
    expect(printed(asking, 'opencode')).toMatchObject({ mark: 'asks' });
    expect(printed([...asking, '▣ Build · m · 3.2s'], 'opencode')).toMatchObject({ mark: 'ready' });
  });

  test('a question marked before the prompt is remembered where no word follows', () => {
    expect(printed([ON, '(Y)es/(N)o'], 'aider')).toMatchObject({ mark: 'asks', prompted: true });
  });
});
