/** How an agent is, in a shape, a colour and a word: never by colour alone. */
import type { JSX } from 'preact';
import type { AgentView, Evidence, LeaseView } from '../../console-protocol.ts';
import { isMine, needsSomeone } from '../state/store.ts';

export type Standing =
  | 'needs'
  | 'failed'
  | 'held'
  | 'stuck'
  | 'working'
  | 'runs'
  | 'limited'
  | 'idle'
  | 'off'
  | 'unknown';

export function standingOf(agent: AgentView): Standing {
  if (agent.state === 'failed') return 'failed';
  if (agent.activity === 'held' || agent.activity === 'paused') return 'held';
  if (agent.stuck) return 'stuck';
  if (needsSomeone(agent)) return 'needs';
  if (agent.state === 'unknown') return 'unknown';
  if (agent.state !== 'running' && agent.state !== 'starting' && agent.state !== 'stopping') return 'off';
  if (inHands(agent)) return 'held';
  if (agent.activity === 'rate-limited') return 'limited';
  if (agent.activity === 'thinking' || agent.activity === 'tool' || agent.state === 'starting')
    return 'working';
  return agent.activity === 'idle' ? 'idle' : 'runs';
}

const inHands = (agent: AgentView): LeaseView | null =>
  agent.lease && agent.lease.phase !== 'pending' ? agent.lease : null;

export function activityWord(agent: AgentView): string {
  const lease = inHands(agent);
  // What is held while it stands still does not move at all.
  if (agent.activity === 'paused') return 'paused';
  if (lease) return isMine(agent) ? 'you hold it' : `held by ${lease.holder}`;
  if (agent.state !== 'running') return agent.state;
  if (agent.stuck) return 'stuck';
  if (agent.activity === 'held') return 'held';
  if (agent.openApprovals > 0 || agent.activity === 'waiting-for-operator') return 'waits for you';
  if (agent.activity === 'rate-limited') return 'rate limited';
  return agent.activity === null || agent.activity === 'unknown' ? 'running' : agent.activity;
}

/** What the word above rests on, and since when it is true. */
export function evidenceFor(agent: AgentView): Evidence {
  const { state, activity, activityEvidence, stuck } = agent;
  const lease = inHands(agent);
  if (lease && activity !== 'paused') {
    const what = `${lease.holder} took it over (lease ${lease.generation})`;
    return { source: 'host', grade: 'enforced', what, at_ms: lease.since_ms };
  }
  if (state === 'running' && stuck)
    return { source: 'watchdog', grade: 'observed', what: stuck.what, at_ms: stuck.since_ms };
  return state === 'running' && activityEvidence ? activityEvidence : agent.evidence;
}

export function sinceOf(agent: AgentView): number {
  const evidence = evidenceFor(agent);
  return evidence === agent.evidence ? agent.since_ms : evidence.at_ms;
}

export interface Request {
  short: string;
  /** What is waited for. */
  long: string;
  since_ms: number | null;
}

/** What was requested and is not in effect yet. */
export function requestOf(agent: AgentView): Request | null {
  const { requested, requestedEvidence, hold, lease } = agent;
  if (requested === null) return null;
  const asked_ms = requestedEvidence?.at_ms ?? lease?.since_ms ?? null;
  const since_ms = requested === 'hold' ? (hold?.since_ms ?? null) : asked_ms;
  const words = REQUESTS[requested];
  if (words) return { short: words[0], long: words[1], since_ms };
  // The host's own words: 'takeover after: …', 'restart in 4 s'.
  return { short: requested.split(' after: ', 1)[0]!, long: requested, since_ms };
}

const REQUESTS: Record<string, readonly [short: string, long: string]> = {
  hold: ['hold requested', 'is held at the next boundary: when the tool or the turn ends'],
  pause: ['pause requested', 'until all its processes are frozen'],
  resume: ['resume requested', 'until its processes run again'],
  start: ['waits to start', 'other agents start first, as each start takes much of the machine'],
  stop: ['stopping', 'until all its processes have ended'],
  kill: ['being killed', 'until all its processes have ended'],
  restart: ['restarting', 'it is ended first, then started again'],
  handover: ['handing over', 'engine and terminal are swapped'],
};

const SHAPES: Record<Standing, JSX.Element> = {
  needs: <path class="fill" d="M8 1.8 14.2 8 8 14.2 1.8 8Z" />,
  failed: <path class="line" d="m4 4 8 8m0-8-8 8" />,
  held: <path class="line" d="M5.5 3.5v9m5-9v9" />,
  stuck: <path class="line" d="M8 2.6 14.2 13.4H1.8L8 2.6Zm0 4.2v2.8m0 1.9v.01" />,
  working: <circle class="fill" cx="8" cy="8" r="4.2" />,
  /** It runs, and what it does cannot be known: any program in a terminal. */
  runs: <path class="line" d="M8 11.8a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6ZM8 8h.01" />,
  limited: <path class="line" d="M8 4.2V8l2.4 1.6M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z" />,
  idle: <circle class="line" cx="8" cy="8" r="3.8" />,
  off: <path class="line" d="M4.5 8h7" />,
  unknown: <path class="line" d="M6 6a2 2 0 1 1 2.8 1.8c-.5.3-.8.7-.8 1.4m0 2.3v.01" />,
};

export function StatusMark({ standing }: { standing: Standing }) {
  return (
    <svg class={`status ${standing}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[standing]}
    </svg>
  );
}
