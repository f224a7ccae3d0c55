/**
 * Ends a run on request: through its shim while that answers, otherwise from outside. It always returns, whatever the
 * shim does and whatever the journal holds.
 */
import type { Run } from '../../runs/run.ts';
import type { StopLadder } from '../../shim/shim-protocol.ts';
import type { Launcher } from '../launch/launch.ts';
import { didNotEnd } from '../launch/run-end.ts';
import type { By, Wiring } from '../wiring.ts';
import { KILL } from './stop-ladders.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'clock'>;

/** For a shim's answer after its ladder is through, and for the journal to be read that far. */
const TOLD_MS = 10_000;
/** For an end that the shim did not answer with, and that may be in the journal. */
const REFUSED_MS = 2_000;

interface Asked {
  ladder: StopLadder;
  reason: string;
  by: By;
}

/** @throws AetherError when it goes on */
export async function endRun(
  wiring: Needs,
  launcher: Launcher,
  run: Run,
  { ladder, reason, by }: Asked,
): Promise<void> {
  const killed = `killed on request of ${by} while its shim did not answer`;
  // Only SIGKILL works from outside, and only for who asks for that.
  if (!run.connected && !run.ended && ladder === KILL) return launcher.endUnreachable(run, killed);
  const { client } = run;
  noteRequest(wiring, run, reason, by);
  const answer = await answered(client.stop(`${reason}-${wiring.clock.now()}`, ladder, reason), run, ladder);
  // A run that has ended is let go of, at times before the shim's answer to this is in: the journal decides.
  await run.until(() => run.ended || run.unreadable, answer === 'done' ? TOLD_MS : REFUSED_MS);
  if (run.ended) return;
  await run.pump();
  if (run.ended) return;
  if (answer === 'done' && run.unreadable)
    await launcher.endUnreachable(run, `it was ended (${reason}), and its journal cannot be read`);
  else if (answer === 'silent' && ladder === KILL) await launcher.endUnreachable(run, killed);
  else throw typeof answer === 'object' ? answer.error : didNotEnd(run.record.agent);
}

function noteRequest({ clock }: Needs, run: Run, reason: string, by: By): void {
  run.save((record) => {
    record.requested = reason;
    record.asked = { by, at_ms: clock.now() };
    record.state = 'stopping';
    record.state_ms = clock.now();
    record.stateEvidence = {
      source: by === 'host' ? 'host' : 'operator',
      grade: 'enforced',
      what: `${reason} was requested by ${by}`,
      at_ms: clock.now(),
    };
  });
}

/** What the shim says to it. One that is silent is not waited for without end. */
function answered(
  stopped: Promise<unknown>,
  run: Run,
  { close_stdin_ms = 0, term_ms, kill_ms }: StopLadder,
): Promise<'done' | 'silent' | { error: unknown }> {
  const silent = run.until(() => false, close_stdin_ms + term_ms + kill_ms + TOLD_MS);
  return Promise.race([
    stopped.then(
      () => 'done' as const,
      (error: unknown) => ({ error }),
    ),
    silent.then(() => 'silent' as const),
  ]);
}
