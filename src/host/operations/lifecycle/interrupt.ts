/** Cancels the running turn; the engine's process and its conversation live. */
import type { Run } from '../../runs/run.ts';
import { unreadSince } from '../messages/inject.ts';
import { typeKeys } from '../messages/type-message.ts';
import type { By, Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'injections' | 'clock' | 'ids' | 'events' | 'agents'>;

/** The engine shows it to a model within milliseconds, unless something that it asks before does not answer. */
const TAKEN_MS = 2_000;

export async function interrupt(wiring: Needs, run: Run, by: By): Promise<void> {
  const { record, runtime } = run;
  const request = wiring.ids.uuid(wiring.clock.now());
  const keys = runtime.interruptKeys?.(wiring.agents.get(record.agent).config.options) ?? null;
  const frame = runtime.interrupt?.(request);
  if (frame === undefined && keys === null) throw new Error(`${runtime.name} has no interrupt`); // the table of verbs said so before
  wiring.events.append({
    topic: 'turn.interrupt-requested',
    agent: record.agent,
    run: run.id,
    principal: by,
    grade: 'enforced',
    data: { request },
  });
  // A message that the engine has shown to no model yet would not be in the conversation whose turn is cancelled.
  if (frame !== undefined) await run.until(() => unreadSince(wiring, run) === null, TAKEN_MS);
  if (frame !== undefined) await run.write(frame);
  else await typeKeys(wiring, run, request, keys!);
}
