/** Why a takeover or a hand-back is refused or has failed, and what to do about it. */
import { AetherError } from '../../errors.ts';
import type { SwapRecord } from '../../shim/shim-protocol.ts';
import { BOUNDARY_MS_MAX } from '../lifecycle/boundary.ts';

export function waitsAlready(agent: string, holder: string | null): AetherError {
  return new AetherError({
    code: 'verb.illegal',
    who: 'user',
    message: `Cannot take over ${agent}: ${holder} waits for it already.`,
    next: 'Wait until it is handed back, or hand it back for them.',
    details: { agent, holder },
  });
}

export function comesUp(agent: string): AetherError {
  return new AetherError({
    code: 'lease.phase',
    who: 'user',
    message: `The terminal of ${agent} is coming up already.`,
    next: 'Wait a moment, then hand it back.',
  });
}

export function notHeldYet(agent: string): AetherError {
  return new AetherError({
    code: 'lease.phase',
    who: 'user',
    message: `${agent} is not held yet.`,
    next: 'Wait until the terminal is up.',
  });
}

/** @param swap how it came out; null: not at all */
export function notSwapped(agent: string, to: string, swap: SwapRecord | null, ended: boolean): AetherError {
  const why = swap?.why ?? (ended ? 'the run ended' : 'it did not come up in time');
  return new AetherError({
    code: 'takeover.swap',
    who: 'runtime',
    message: `The ${to} of ${agent} could not be started: ${why}.`,
    next:
      swap?.phase === 'rolledBack'
        ? 'The agent goes on as before. See its journal with `aether logs`.'
        : 'See `aether logs`, then `aether restart` the agent.',
  });
}

export function sameCall(agent: string): AetherError {
  return new AetherError({
    code: 'takeover.boundary',
    who: 'user',
    message: `${agent} is still in the same tool call after ${BOUNDARY_MS_MAX / 60_000} minutes.`,
    next: 'Take over "now": that interrupts the tool.',
  });
}
