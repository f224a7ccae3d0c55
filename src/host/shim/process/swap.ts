/**
 * One process gives the floor to another, without the host: end the old one, start the new one, and if that one ends at
 * once, start the fallback. The intent is in the journal before this begins; the outcome is the last thing it writes,
 * and it writes exactly one.
 */
import type { ProcessSpec, ShimRequest, StopLadder, SwapRecord } from '../shim-protocol.ts';
import { SpawnFailed } from './child.ts';
import { LEFTOVERS } from './ladder.ts';
import type { RunProcess } from './processes.ts';

export type SwapRequest = Extract<ShimRequest, { op: 'swap' }>;

export interface SwapTools {
  /** Starts a process and gives it the floor. @throws SpawnFailed */
  spawn(spec: ProcessSpec): Promise<RunProcess>;
  /** Ends a process and everything below it and journals its exit; false when aborted, or when it is still there. */
  end(process: RunProcess, ladder: StopLadder): Promise<boolean>;
  record(record: SwapRecord): void;
}

/**
 * @param signal aborted when the run is stopped meanwhile
 * @returns `lost`: why no process has the floor any more
 */
export async function swapProcesses(
  request: SwapRequest,
  from: RunProcess,
  signal: AbortSignal,
  tools: SwapTools,
): Promise<{ lost?: string }> {
  const outcome = { opId: request.opId, from: from.status.index };
  const stopped = () => {
    tools.record({ ...outcome, phase: 'failed', why: 'the run was stopped' });
    return {};
  };
  const ended = await tools.end(from, request.stop);
  if (signal.aborted) return stopped();
  if (!ended) {
    const why = 'the old process is stuck in the kernel and cannot be ended';
    tools.record({ ...outcome, phase: 'failed', why });
    return { lost: why };
  }

  const tried = await attempt(request, signal, tools);
  if (signal.aborted) return stopped();
  if (tried.process) {
    tools.record({ ...outcome, phase: 'done', to: tried.process.status.index });
    return {};
  }

  try {
    const fallback = await tools.spawn(request.fallback);
    tools.record({ ...outcome, phase: 'rolledBack', to: fallback.status.index, why: tried.why });
    return {};
  } catch (error) {
    if (!(error instanceof SpawnFailed)) throw error;
    const why = `${tried.why} And the fallback: ${error.message}`;
    tools.record({ ...outcome, phase: 'failed', why });
    return { lost: why };
  }
}

/** The new process, if it can be started and is still there after `settle_ms`. */
async function attempt(
  request: SwapRequest,
  signal: AbortSignal,
  tools: SwapTools,
): Promise<{ process: RunProcess } | { process: null; why: string }> {
  let process: RunProcess;
  try {
    process = await tools.spawn(request.to);
  } catch (error) {
    if (error instanceof SpawnFailed) return { process: null, why: error.message };
    throw error;
  }
  const settled = Promise.withResolvers<void>();
  const timer = setTimeout(settled.resolve, request.settle_ms);
  signal.addEventListener('abort', () => settled.resolve(), { once: true });
  await Promise.race([settled.promise, process.child.exited]);
  clearTimeout(timer);
  if (signal.aborted || process.status.running) return { process };
  await tools.end(process, LEFTOVERS);
  const { code, signal: killedBy } = process.status.exit ?? { code: null, signal: null };
  return { process: null, why: `The new process ended at once (${killedBy ?? `exit code ${code}`}).` };
}
