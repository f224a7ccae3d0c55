/**
 * A message as keys. Where the program takes pastes as one it is pasted, framed as a terminal does it, and sent by a
 * key of its own: what comes in one piece with the text counts as text. A program that reads lines gets one line.
 */
import type { EngineState, Frame, Typing } from '../runtime.ts';
import { type Adapter, adapterNamed } from './adapter.ts';
import type { CommandOptions } from './program.ts';
import type { Followed } from './screen-marks.ts';

const ENTER = '\r';

/** In a terminal they are keys: a ^C in a message would be an interrupt, an ESC the beginning of a key. */
const KEYS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

type State = EngineState & Partial<Followed> & { spoke?: boolean };

/** @param options the agent's own keys */
export function typing(
  { id, text }: { id: string; text: string },
  to: { state: EngineState; options: Record<string, unknown> },
): Typing {
  const state = to.state as State;
  const { adapter: name, multiline } = to.options as Partial<CommandOptions>;
  const adapter = adapterNamed(name);
  const why = adapter === null ? null : notYet(String(name), state);
  if (why !== null) return { not: 'now', why };

  const { plain, note } = withoutKeys(text);
  if (state.paste === true) return pasted(id, plain, note, adapter);
  if (!plain.includes('\n')) return { ...line(id, plain), how: `typed as a line${note}` };
  if (multiline === 'type') return { ...line(id, plain), how: `typed line by line${note}` };
  if (multiline === 'join') {
    const lines = plain.split('\n');
    const joined = lines
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .join(' ');
    return { ...line(id, joined), how: `its ${lines.length} lines were typed as one${note}` };
  }
  if (state.pasted === true || state.spoke !== true)
    return { not: 'now', why: 'it has several lines, and the program takes no paste at present' };
  return {
    not: 'ever',
    why: 'it has several lines, and the program reads them one by one: each would be taken for a message of its own',
  };
}

/** Why the program, which is known, takes no message now; null where it does. */
function notYet(name: string, { prompted, paste, mark }: State): string | null {
  if (mark === 'asks') return `${name} waits for a choice on its screen, which Enter would make`;
  return prompted === true && paste === true ? null : `${name} does not show its prompt yet`;
}

function pasted(id: string, text: string, note: string, adapter: Adapter | null): Typing {
  // As a terminal pastes: the ends of lines as the key that makes them.
  const framed = `\x1b[200~${text.replaceAll('\n', '\r')}\x1b[201~`;
  return {
    before: [{ id: `${id}/text`, data: framed }],
    ...(adapter === null || adapter.rest_ms === null ? {} : { rest_ms: adapter.rest_ms }),
    id,
    data: adapter?.submit ?? ENTER,
    how: `pasted as one (bracketed paste), and Enter sent separately, once the program had drawn it${note}`,
  };
}

const line = (id: string, text: string): Frame => ({ id, data: `${text}${ENTER}` });

export function withoutKeys(text: string): { plain: string; note: string } {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '');
  const plain = lines.replace(KEYS, '');
  const left = lines.length - plain.length;
  const what = left === 1 ? 'one control character was' : `${left} control characters were`;
  return { plain, note: left === 0 ? '' : `; ${what} left out` };
}
