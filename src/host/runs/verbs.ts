/**
 * The one table of what may be asked of an agent in which state. Host verbs, CLI and console buttons all read
 * it: null means legal now, a sentence says why not.
 */
import type { Capabilities } from '../../runtimes/runtime.ts';
import type { AgentView, LeaseView, RunState, Verb } from '../api.ts';
import { AetherError } from '../errors.ts';

export interface VerbFacts {
  name: string;
  state: RunState | 'stopped' | 'failed';
  lease: LeaseView | null;
  capabilities: Capabilities | null;
  hasTerminal: boolean;
  /** All of its processes stand still. */
  paused: boolean;
  /** Its shim knows how to pause. */
  pausable: boolean;
  /** Somebody wants it to be held, whether it stands still yet or not. */
  hold: boolean;
}

export function legalVerbs(facts: VerbFacts): Record<Verb, string | null> {
  const alive = facts.state === 'running' || facts.state === 'starting' || facts.state === 'created';
  const running = facts.state === 'running';
  const notAlive = `${facts.name} is ${facts.state}.`;
  const held = facts.lease !== null;
  const paused = facts.paused ? `${facts.name} is paused; resume it first.` : null;
  const stopping = facts.state === 'stopping' ? `${facts.name} is already stopping.` : null;
  return {
    start: alive ? `${facts.name} already runs.` : stopping,
    stop: facts.state === 'stopped' ? `${facts.name} is already stopped.` : stopping,
    kill: alive || facts.state === 'stopping' || facts.state === 'unknown' ? null : notAlive,
    restart: stopping,
    inject: null,
    interrupt: !running
      ? notAlive
      : paused !== null
        ? paused
        : held
          ? `${facts.lease?.holder} holds ${facts.name}; interrupt it in its terminal.`
          : facts.capabilities?.engine === 'structured'
            ? null
            : `${facts.name} has no structured channel; take over its terminal and press Ctrl-C there.`,
    takeover: !running
      ? notAlive
      : paused !== null
        ? paused
        : held && facts.lease?.phase !== 'pending'
          ? `${facts.lease?.holder} holds ${facts.name}.`
          : null, // while it is pending, its holder may say "now"; anybody else is refused with who waits
    handback:
      facts.lease?.phase === 'held' || facts.lease?.phase === 'pending'
        ? paused
        : `Nobody holds ${facts.name}.`,
    pause: !running
      ? notAlive
      : facts.paused
        ? `${facts.name} is paused already.`
        : facts.pausable
          ? null
          : `${facts.name} was started by an older version; restart it, then it can be paused.`,
    hold: !running
      ? notAlive
      : paused !== null
        ? paused
        : facts.hold
          ? `${facts.name} is held already.`
          : facts.capabilities?.gate === undefined
            ? `${facts.name} has no gate at which it could be held; pause stops it where it is.`
            : held
              ? `${facts.lease?.holder} holds the terminal of ${facts.name}; hand it back held.`
              : null,
    resume: facts.paused || facts.hold ? null : `${facts.name} is neither held nor paused.`,
    attach: facts.hasTerminal
      ? null
      : !alive
        ? notAlive
        : `${facts.name} runs without a terminal; take over to get one.`,
  };
}

/** Throws the table's reason when `verb` is not legal for this agent now. */
export function requireLegal(view: Pick<AgentView, 'name' | 'verbs'>, verb: Verb): void {
  const why = view.verbs[verb];
  if (why === null) return;
  throw new AetherError({
    code: `verb.${verb}.illegal`,
    who: 'user',
    message: `Cannot ${verb} ${view.name}: ${why}`,
    next: `See its state with \`aether ps\`.`,
    details: { verb, agent: view.name },
  });
}

/** Throws when the agent could not be kept held: nothing would make that true. */
export function requireHoldable(view: Pick<AgentView, 'name' | 'can'>): void {
  if (view.can.hold) return;
  throw new AetherError({
    code: 'verb.hold.illegal',
    who: 'user',
    message: `${view.name} has no gate at which it could be held.`,
    next: `Hand it back, then \`aether pause ${view.name}\` stops it where it is.`,
    details: { verb: 'hold', agent: view.name },
  });
}
