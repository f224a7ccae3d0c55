/**
 * A takeover that leaves the engine at work: the holder's terminal is a process beside it, over the same conversation.
 * The engine keeps the floor, so nothing waits for a boundary; messages wait for the lease as in every takeover.
 */
import { messageOf } from '../../errors.ts';
import { besideOf, nextSize } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { StopLadder } from '../../shim/shim-protocol.ts';
import type { LeaseRecord } from '../../store/leases.ts';
import { boxed } from '../launch/boxed.ts';
import type { Launcher } from '../launch/launch.ts';
import { placeFiles } from '../launch/run-files.ts';
import { acceptInjection } from '../messages/inject.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'generation'
  | 'stateDir'
  | 'programCopies'
  | 'resolve'
>;

/** A viewer resizes it at once. */
const SIZE = { cols: 80, rows: 24 };
const STOP: StopLadder = { term_ms: 4_000, kill_ms: 5_000 };

/** @returns once the terminal is started; it may be there from a host that did not live to see it. */
export async function openBeside(
  wiring: Needs,
  launcher: Launcher,
  run: Run,
  lease: LeaseRecord,
): Promise<void> {
  if (besideOf(run.record.floor, 'terminal') !== null) return;
  const { runtime, record } = run;
  if (runtime.terminal === undefined) throw new Error(`${runtime.name} has no terminal`);
  const size = lease.detail.surfaces?.terminal ?? SIZE;
  const spec = wiring.resolve(wiring.agents.get(lease.agent).config);
  const terminal = await runtime.terminal(spec, launcher.place(lease.agent, run.id), record.engine, size);
  await placeFiles(wiring.stateDir, terminal);
  if (terminal.admitted !== undefined) await run.write(terminal.admitted);
  run.save((saved) => nextSize(saved.floor, size));
  await run.client.beside(operation('take', wiring, lease), await boxed(wiring, run, terminal.process));
  await run.pump();
}

/** Ends the terminal and queues the note for the agent, which did not stand still meanwhile. */
export async function closeBeside(wiring: Needs, run: Run, lease: LeaseRecord, note: string): Promise<void> {
  const terminal = besideOf(run.record.floor, 'terminal');
  if (terminal !== null) {
    await run.client.end(operation('return', wiring, lease), terminal.index, STOP);
    await run.pump();
  }
  try {
    acceptInjection(wiring, lease.agent, { text: note, priority: 'next' }, 'host');
  } catch (error) {
    wiring.log.warn({ agent: lease.agent, error: messageOf(error) }, 'not told that it was handed back');
  }
}

/** An attempt of its own per host: the shim answers one that it knows with what came of it then. */
function operation(what: 'take' | 'return', wiring: Needs, lease: LeaseRecord): string {
  return `${what}-${lease.generation}-${wiring.generation}`;
}
