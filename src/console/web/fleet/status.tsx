/** How an agent is, in a shape, a colour and a word: never by colour alone. */
import type { JSX } from 'preact';
import type { AgentView, Evidence } from '../../wire.ts';
import { isMine, needsSomeone } from '../state/store.ts';

export type Standing =
  | 'needs'
  | 'failed'
  | 'held'
  | 'working'
  | 'runs'
  | 'limited'
  | 'idle'
  | 'off'
  | 'unknown';

export function standingOf(agent: AgentView): Standing {
  if (agent.state === 'failed') return 'failed';
  if (needsSomeone(agent)) return 'needs';
  if (agent.state === 'unknown') return 'unknown';
  if (agent.state !== 'running' && agent.state !== 'starting' && agent.state !== 'stopping') return 'off';
  const held = agent.lease !== null && agent.lease.phase !== 'pending';
  if (held || agent.activity === 'held' || agent.activity === 'paused') return 'held';
  if (agent.activity === 'rate-limited') return 'limited';
  if (agent.activity === 'thinking' || agent.activity === 'tool' || agent.state === 'starting')
    return 'working';
  return agent.activity === 'idle' ? 'idle' : 'runs';
}

export function activityWord(agent: AgentView): string {
  if (agent.lease && agent.lease.phase !== 'pending')
    return isMine(agent) ? 'you hold it' : `held by ${agent.lease.holder}`;
  if (agent.state === 'running') {
    if (agent.openApprovals > 0 || agent.activity === 'waiting-for-operator') return 'waits for you';
    if (agent.activity === 'tool') return 'tool';
    return agent.activity === null || agent.activity === 'unknown' ? 'running' : agent.activity;
  }
  return agent.state;
}

/** When the word above became true. */
export function sinceOf(agent: AgentView): number {
  if (agent.lease && agent.lease.phase !== 'pending') return agent.lease.since_ms;
  return agent.state === 'running' && agent.activityEvidence ? agent.activityEvidence.at_ms : agent.since_ms;
}

/** What the word above rests on. */
export function evidenceFor(agent: AgentView): Evidence {
  return agent.state === 'running' && agent.activityEvidence ? agent.activityEvidence : agent.evidence;
}

const SHAPES: Record<Standing, JSX.Element> = {
  needs: <path class="fill" d="M8 1.8 14.2 8 8 14.2 1.8 8Z" />,
  failed: <path class="line" d="m4 4 8 8m0-8-8 8" />,
  held: <path class="line" d="M5.5 3.5v9m5-9v9" />,
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
