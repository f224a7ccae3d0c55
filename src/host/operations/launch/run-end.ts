/** What follows from the end of a run: the note for the next one, and the problem that is shown when there is none. */
import { AetherError, isDiskFull } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { engineHasFloor, lastPrinted, onFloor } from '../../runs/floor.ts';
import { exitSentence } from '../../runs/journal-facts.ts';
import { lastWords } from '../../runs/output-lines.ts';
import type { AgentRecord } from '../../store/agents.ts';
import type { RunRecord } from '../../store/runs.ts';
import { duration, hostNote } from '../notes.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'events'>;

/** The holder left the terminal in its own way (/exit, Ctrl-D): that hands back, and is no end of the agent. */
export function leftByHand(record: RunRecord): boolean {
  return record.exit?.cause === 'exited' && !engineHasFloor(record.floor);
}

/** Why a run is over that its host noted down and did not live to start. */
export const NEVER_STARTED = 'the host died before it was started';

/** It was never given a process: it had nothing to lose, and what it was begun for is still to be done. */
export function neverStarted(record: RunRecord): boolean {
  return record.exit?.cause === 'stopped' && record.exit.reason === NEVER_STARTED;
}

/** The host's disk or the shim's: in the end the same one. */
export function noRoom(error: unknown): boolean {
  return isDiskFull(error) || (error instanceof AetherError && error.code === 'shim.disk-full');
}

export function crashProblem(agent: AgentRecord, record: RunRecord): AgentRecord['problem'] {
  const { exit, floor } = record;
  const last = lastWords(lastPrinted(onFloor(floor))) ?? record.last;
  const how =
    exit === null
      ? 'it ended'
      : exit.cause === 'lost'
        ? `the run was lost (${exit.reason ?? 'unknown'})`
        : exitSentence(exit);
  const again = agent.config.restart.policy === 'never' ? '' : ` It failed ${agent.failures} times in a row.`;
  return {
    code: 'agent.crashed',
    who: 'runtime',
    message: `${agent.name} does not run: ${how}.${again}${last === null ? '' : ` Last seen: ${last}`}`,
    next: `See \`aether logs ${agent.name}\`, correct the cause, then \`aether start ${agent.name}\`.`,
  };
}

export function hostStops(agent: string): AetherError {
  return new AetherError({
    code: 'host.stopping',
    who: 'user',
    message: `${agent} was not started: its host is stopping.`,
    next: 'Run `aether up` once it has ended; the agent is started then.',
  });
}

export function didNotEnd(agent: string): AetherError {
  return new AetherError({
    code: 'run.stop',
    who: 'host',
    message: `${agent} did not end in time.`,
    next: `Try \`aether kill ${agent}\`.`,
  });
}

const STUCK = 'agent.stuck';

export function stuckProblem(agent: AgentRecord, what: string): AgentRecord['problem'] {
  return {
    code: STUCK,
    who: 'runtime',
    message: `${agent.name} does not run: ${what}. It was started again ${agent.failures - 1} times, and that did not help.`,
    next: `See \`aether logs ${agent.name}\`; \`aether start ${agent.name}\` tries again.`,
  };
}

/** Also the next host does not try: only a person does. */
export function givenUpStuck(agent: AgentRecord): boolean {
  return agent.problem?.code === STUCK;
}

export function survivorsProblem(agent: AgentRecord, record: RunRecord): AgentRecord['problem'] {
  const survivors = record.exit?.survivors ?? 0;
  return {
    code: 'run.survivors',
    who: 'host',
    message: `${agent.name} was lost, and ${survivors} of its processes could not be killed: they wait in the kernel or are not ours.`,
    next: `Find them with \`grep -al AETHER_RUN=${record.id} /proc/[0-9]*/environ\`; when they are gone, \`aether start ${agent.name}\`.`,
  };
}

/** In the engine's state, until it was started with it: its conversation is a copy of one that was begun by hand. */
export const ADOPTED = 'adopted';

function adoptedWith(agent: string, goal: string | null): { note: string; untold?: string } {
  const told = hostNote(
    `This conversation was begun by a person in a terminal of their own. This is a copy of it, and from here on you are the agent ${agent} of Aether: an operator watches, may answer before a tool runs, and reaches you by messages.`,
  );
  return goal === null ? { note: '', untold: told } : { note: `${told} Your goal is now: ${goal}` };
}

/**
 * How a conversation goes on in a new process. One that was cut off is told at once. One that rested is not woken
 * to hear that nothing has happened, which costs a model request each time: its next message begins with that.
 */
export function resumeWith(
  agent: AgentRecord,
  newest: RunRecord | null,
  now: number,
  goal: string | null,
): { note: string; untold?: string } {
  if (agent.engine?.[ADOPTED] === true) return adoptedWith(agent.name, goal);
  const away = newest?.exited_ms ? ` You were away for ${duration(now - newest.exited_ms)}.` : '';
  const rested = newest !== null && hasRested(newest);
  const cut = rested ? '.' : '; a tool that was running did not finish.';
  const why =
    newest?.exit?.cause === 'stopped'
      ? 'You were stopped and are running again.'
      : newest !== null && leftByHand(newest)
        ? 'The person who held your terminal has left it; take what was said and done there into account.'
        : `Your process ended unexpectedly and was started again${cut}`;
  const told = agent.engine?.goal;
  const changed = goal !== null && told !== undefined && told !== goal;
  if (changed) return { note: hostNote(`${why}${away} Your goal is now: ${goal}`) };
  if (rested)
    return { note: '', untold: hostNote(`${why}${away} What you had left in the background has ended.`) };
  return { note: hostNote(`${why}${away} Go on with your work.`) };
}

/** No turn of it was under way, its last one was done, and nothing it was told was still unread. */
function hasRested({ floor, turn, gate }: RunRecord): boolean {
  const { says, ended, untold } = turn;
  if (!engineHasFloor(floor) || gate.running.length + gate.waiting.length > 0) return false;
  // Not a word has reached it since it was last at rest.
  if (untold !== null) return says === null || ['starting', 'idle'].includes(says.activity);
  return says?.activity === 'idle' && ended === 'done' && floor.opening.length === 0;
}

/** As far back as the event log goes. */
export function automaticStarts({ events }: Needs, agent: string): number {
  const starts = events.list({
    agent,
    topics: ['run.starting'],
    last: true,
    limit: limits.events_page_max,
  });
  return starts.filter(({ data }) => data.automatic === true).length;
}
