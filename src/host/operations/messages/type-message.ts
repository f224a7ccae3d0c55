/**
 * A message is typed into a program on a terminal: in pieces where the text and the key that sends it have to come
 * apart, and with a note of how, for its receipt. What cannot be typed now waits; what can never be typed is refused.
 */
import type { Frame, Typing } from '../../../runtimes/runtime.ts';
import type { Clock } from '../../clock.ts';
import { onFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';
import { hasDrawn } from './drawn.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'clock'>;

/** How this message would be typed as the program stands; null where messages are not typed. */
export function typingOf({ agents }: Needs, run: Run, message: { id: string; text: string }): Typing | null {
  const options = agents.find(run.record.agent)?.config.options ?? {};
  return run.runtime.typing?.(message, { state: run.record.engine, options }) ?? null;
}

/** @returns once the last piece is journalled */
export async function typeInto({ clock }: Needs, run: Run, typing: Extract<Typing, Frame>): Promise<void> {
  const { before = [], how, rest_ms, ...last } = typing;
  run.save(({ floor }) => {
    floor.typed = { frame: last.id, how };
  });
  for (const frame of before) await typeAndRest(clock, run, frame, rest_ms);
  await run.write(last);
}

/** Keys, each by itself. @param id of the operation */
export async function typeKeys(
  { clock }: Pick<Wiring, 'clock'>,
  run: Run,
  id: string,
  keys: readonly string[],
): Promise<void> {
  for (const [index, data] of keys.entries()) {
    const frame = { id: `${id}/${index}`, data };
    if (index < keys.length - 1) await typeAndRest(clock, run, frame);
    else await run.write(frame);
  }
}

async function typeAndRest(clock: Clock, run: Run, frame: Frame, rest_ms?: number): Promise<void> {
  const { heard_ms } = onFloor(run.record.floor);
  const drawn = hasDrawn(run, clock, { heard_ms, rest_ms });
  await run.write(frame);
  await drawn;
}
