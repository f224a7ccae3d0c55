/** The feed of `aether up`: what every agent does, one short line each, as it happens. */
import type { EventView } from '../api.ts';
import type { ControlClient } from '../control/client.ts';
import { AetherError } from '../errors.ts';
import type { Hint } from './hints.ts';
import { columns, paint, print, printError } from './output.ts';
import { oneLine, pad, shorten } from './text.ts';
import { clientOf, eventLines } from './transcript.ts';

const COLOURS = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;
/** Names longer than this are cut in the margin. */
const MARGIN_MAX = 16;
/** Of a longer text: the rest is in `aether logs` and in the console. */
const LINES_PER_EVENT = 3;
/** Where the output is no terminal, or a very wide one. */
const WIDTH_MAX = 200;

export interface Feed {
  stop(): void;
  /** All of it is printed: it was stopped, or the host has ended. */
  ended: Promise<void>;
}

/** @param fromStart of this host; otherwise from now on. */
export function followFeed(client: ControlClient, fromStart: boolean, hint: Hint): Feed {
  const margin = new Margin();
  let stop = () => {};
  const ended = (async () => {
    const stream = client.stream('follow', fromStart ? await sinceStart(client) : {});
    stop = () => stream.cancel();
    for await (const event of stream) for (const line of feedLines(event, margin, hint)) print(line);
  })().catch((error: unknown) => {
    // The caller, who waits for it, tells of the host's end.
    if (!(error instanceof AetherError && error.code === 'control.lost')) printError(error);
  });
  return { stop: () => stop(), ended };
}

/** What happened before this client could connect is part of what it shows. */
async function sinceStart(client: ControlClient): Promise<{ after?: string }> {
  const [start] = await client.call('events', { topics: ['host.started'], last: true, limit: 1 });
  return start === undefined ? {} : { after: start.cursor };
}

function feedLines(event: EventView, margin: Margin, hint: Hint): string[] {
  // What a tool answered is the longest and least of it; an error is news.
  if (event.topic === 'tool.finished' && event.data.isError !== true) return [];
  const lines = eventLines(event, hint);
  const head = margin.of(event.agent ?? clientOf(event) ?? 'aether');
  // A question has to be read whole to be answered, so it is not cut: the terminal wraps it.
  if (event.topic === 'approval.opened') return lines.map((line) => `${head} ${line}`);
  const shown = lines.slice(0, LINES_PER_EVENT);
  if (lines.length > shown.length) shown.push(paint('dim', `… ${lines.length - shown.length} more lines`));
  return shown.map((line) => `${head} ${cut(line, Math.min(columns(), WIDTH_MAX) - margin.width - 3)}`);
}

/** Cuts by what is visible; a line that carries colour keeps it when it fits and loses it when it does not. */
function cut(line: string, available: number): string {
  const visible = oneLine(line);
  return shorten(visible, available) === visible ? line : shorten(visible, available);
}

/** `name |`, as wide as the longest name so far, one colour per agent. */
class Margin {
  readonly #colour = new Map<string, (typeof COLOURS)[number]>();
  width = 6;

  of(name: string): string {
    const safe = shorten(oneLine(name), MARGIN_MAX);
    this.width = Math.max(this.width, safe.length);
    let colour = this.#colour.get(name);
    if (colour === undefined) {
      colour = COLOURS[this.#colour.size % COLOURS.length]!;
      this.#colour.set(name, colour);
    }
    return paint(colour, `${pad(safe, this.width)} |`);
  }
}
