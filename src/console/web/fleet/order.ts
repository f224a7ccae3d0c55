/**
 * The order of agents: those that need a person first, and within a group that of the configuration, so that rows stay
 * in place.
 */
import type { AgentView } from '../../console-protocol.ts';
import { needsSomeone } from '../state/store.ts';

export interface Group {
  label: string;
  agents: AgentView[];
}

export function groupsOf(agents: Iterable<AgentView>, filter: string): Group[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const groups: Group[] = [
    { label: 'Needs you', agents: [] },
    { label: 'Running', agents: [] },
    { label: 'Stopped', agents: [] },
  ];
  for (const agent of agents) {
    const text =
      `${agent.name} ${agent.runtime} ${agent.state} ${agent.activity ?? ''} ${agent.goal ?? ''}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    // One that ended and is about to be started again is not at rest.
    const off = agent.requested === null && ['stopped', 'exited', 'created'].includes(agent.state);
    groups[needsSomeone(agent) ? 0 : off ? 2 : 1]!.agents.push(agent);
  }
  return groups.filter((group) => group.agents.length > 0);
}
