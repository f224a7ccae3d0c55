/**
 * Where what the host knows of a run can be forged by an agent, and what that does to the grade. In a sandbox the engine
 * is out of reach of the tools that it starts, and the host is out of reach of both. Without one a process of an agent
 * is a process of the user: it can answer in the engine's name, thaw what is frozen, and write to the host's files,
 * also to what the host knows of other agents.
 */
import type { Evidence } from '../shapes.ts';
import type { RunRecord } from '../store/runs.ts';

export interface Gap {
  /** What a process of an agent gets at: the engine of its own run, the host and all that it keeps, or both. */
  reach: 'engine' | 'host' | 'both';
  why: string;
}

type Confinement = Pick<RunRecord, 'agent' | 'sandbox'>;

/** Nothing where all that is known stands behind a sandbox. @param live runs of all agents */
export function gapsOf(run: Confinement | null, live: readonly Confinement[]): Gap[] {
  if (run === null) return [];
  if (run.sandbox.name === 'none')
    return [{ reach: 'both', why: 'without a sandbox its tools have the rights of your user' }];
  return [...gapsInBox(run), ...gapsOfOthers(live.filter(({ agent }) => agent !== run.agent))];
}

function gapsInBox({ sandbox: { boxes, openEngine } }: Confinement): Gap[] {
  const gaps: Gap[] = [];
  if (boxes.some((box) => box.debug === true))
    gaps.push({ reach: 'engine', why: '`debug: true` lets its tools trace its engine' });
  if (openEngine !== undefined)
    gaps.push({ reach: 'engine', why: `its tools can reach into its engine: ${openEngine}` });
  return gaps;
}

function gapsOfOthers(others: readonly Confinement[]): Gap[] {
  const [first, ...more] = others.filter(({ sandbox }) => sandbox.name === 'none');
  if (first === undefined) return [];
  const who = more.length === 0 ? first.agent : `${first.agent} and ${more.length} more`;
  return [{ reach: 'host', why: `${who}, without a sandbox, can act as your user` }];
}

/** An engine's word counts as the agent's own where its tools can speak for it; what only a sandbox enforces is observed. */
export function graded<E extends Pick<Evidence, 'source' | 'grade'>>(evidence: E, gaps: readonly Gap[]): E {
  const reaches = (what: 'engine' | 'host') => gaps.some(({ reach }) => reach === what || reach === 'both');
  const { source, grade } = evidence;
  if (source === 'engine') return reaches('engine') ? { ...evidence, grade: 'claimed' } : evidence;
  const weak = reaches('host') || (source === 'gate' && reaches('engine'));
  return weak && grade === 'enforced' ? { ...evidence, grade: 'observed' } : evidence;
}
