/** Runs of an agent: started, ended, held, paused and resumed. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { aboutAgent, agentName } from './input.ts';
import { defineVerb, OPERATORS, type VerbFacts } from './verb.ts';

const fresh = z.boolean().optional();

const isAlive = ({ state }: VerbFacts) => state === 'running' || state === 'starting' || state === 'created';

/** Why nothing can be asked of its processes: there are none, or they stand still. */
export function notRunning({ name, state, paused }: VerbFacts): string | null {
  if (state !== 'running') return `${name} is ${state}.`;
  return paused ? `${name} is paused; resume it first.` : null;
}

const stopping = ({ name, state }: VerbFacts) =>
  state === 'stopping' ? `${name} is already stopping.` : null;

export const start = defineVerb({
  kind: 'call',
  name: 'start',
  summary: 'Starts an agent; an earlier conversation goes on unless `fresh`.',
  input: z.strictObject({
    agent: agentName,
    fresh,
    goal: z.string().max(limits.inject_text_bytes_max).optional(),
  }),
  who: OPERATORS,
  basis: ['run', 'state'],
  legal(facts) {
    if (facts.waitsToStart) return `${facts.name} waits to start already: other agents start first.`;
    return isAlive(facts) ? `${facts.name} already runs.` : stopping(facts);
  },
  async run(rooms, { agent, ...options }, { principal }) {
    await rooms.lifecycle.start(agent, principal, options);
    return rooms.agents.get(agent);
  },
});

export const stop = defineVerb({
  kind: 'call',
  name: 'stop',
  summary: 'Asks an agent to end, and kills it if it does not; it stays stopped until it is started.',
  input: aboutAgent,
  who: OPERATORS,
  basis: ['run', 'state'],
  legal: (facts) =>
    facts.state === 'stopped' && !facts.waitsToStart ? `${facts.name} is already stopped.` : stopping(facts),
  // Stopping what is stopped is no error: the wish is recorded, and it outlives edits and restarts.
  advice: true,
  async run(rooms, { agent }, { principal }) {
    await rooms.lifecycle.stop(agent, principal);
    rooms.holds.forget(agent, principal);
    return rooms.agents.get(agent);
  },
});

export const kill = defineVerb({
  kind: 'call',
  name: 'kill',
  summary: 'Ends every process of an agent at once.',
  input: aboutAgent,
  who: OPERATORS,
  // The run is meant, in whichever state it is by now.
  basis: ['run'],
  legal: (facts) =>
    isAlive(facts) || facts.waitsToStart || facts.state === 'stopping' || facts.state === 'unknown'
      ? null
      : `${facts.name} is ${facts.state}.`,
  async run(rooms, { agent }, { principal }) {
    await rooms.lifecycle.kill(agent, principal);
    rooms.holds.forget(agent, principal);
    return rooms.agents.get(agent);
  },
});

export const restart = defineVerb({
  kind: 'call',
  name: 'restart',
  summary: 'Stops an agent and starts it again; the conversation goes on unless `fresh`.',
  input: z.strictObject({ agent: agentName, fresh }),
  who: OPERATORS,
  basis: ['run', 'state'],
  legal: stopping,
  async run(rooms, { agent, ...options }, { principal }) {
    await rooms.lifecycle.restart(agent, principal, options);
    return rooms.agents.get(agent);
  },
});

export const interrupt = defineVerb({
  kind: 'call',
  name: 'interrupt',
  summary: 'Cancels the running turn; the engine and its conversation live.',
  input: aboutAgent,
  who: OPERATORS,
  basis: ['run'],
  legal(facts) {
    const { name, lease, structured, interruptKeys } = facts;
    const why = notRunning(facts);
    if (why !== null) return why;
    if (lease !== null) return `${lease.holder} holds ${name}; interrupt it in its terminal.`;
    return structured || interruptKeys === true
      ? null
      : `${name} has no structured channel; take over its terminal and press Ctrl-C there. (For a known program, set \`adapter:\`.)`;
  },
  async run(rooms, { agent }, { principal }) {
    await rooms.lifecycle.interrupt(agent, principal);
    return rooms.agents.get(agent);
  },
});

export const pause = defineVerb({
  kind: 'call',
  name: 'pause',
  summary: 'Freezes every process of an agent where it is.',
  input: aboutAgent,
  who: OPERATORS,
  basis: ['run', 'state', 'stands'],
  legal({ name, state, paused, pausable }) {
    if (state !== 'running') return `${name} is ${state}.`;
    if (paused) return `${name} is paused already.`;
    return pausable ? null : `${name} was started by an older version; restart it, then it can be paused.`;
  },
  async run(rooms, { agent }, { principal }) {
    await rooms.lifecycle.pause(agent, principal);
    return rooms.agents.get(agent);
  },
});

export const hold = defineVerb({
  kind: 'call',
  name: 'hold',
  summary: 'Holds an agent at its next tool call or turn end; its background processes go on.',
  input: aboutAgent,
  who: OPERATORS,
  basis: ['run', 'state', 'stands'],
  legal(facts) {
    const { name, lease, gated } = facts;
    const why = notRunning(facts);
    if (why !== null) return why;
    if (facts.hold) return `${name} is held already.`;
    if (!gated) return `${name} has no gate, so it cannot be held; pause stops it where it is.`;
    return lease === null ? null : `${lease.holder} holds the terminal of ${name}; hand it back held.`;
  },
  run(rooms, { agent }, { principal }) {
    rooms.holds.begin(agent, principal);
    return rooms.agents.get(agent);
  },
});

export const resume = defineVerb({
  kind: 'call',
  name: 'resume',
  summary: 'Lets a paused or held agent go on; it is told how long it was away and what changed.',
  input: aboutAgent,
  who: OPERATORS,
  basis: ['run', 'state', 'stands'],
  legal: ({ name, paused, hold }) => (paused || hold ? null : `${name} is neither held nor paused.`),
  async run(rooms, { agent }, { principal }) {
    const { activity, hold } = rooms.agents.get(agent);
    if (activity === 'paused') await rooms.lifecycle.thaw(agent, principal);
    if (hold !== null) await rooms.holds.resume(agent, principal);
    return rooms.agents.get(agent);
  },
});
