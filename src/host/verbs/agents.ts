/** The agents: all of them, one, or the changes to them. */
import { z } from 'zod';
import type { AgentsChange, AgentView } from '../api.ts';
import { aboutAgent } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

export const agents = defineVerb({
  kind: 'call',
  name: 'agents',
  summary: 'Every agent: its desired and observed state, the evidence, and the verbs that are legal.',
  input: z.strictObject({}),
  who: OPERATORS,
  reads: true,
  run: (rooms): AgentView[] => rooms.agents.all(),
});

export const agent = defineVerb({
  kind: 'call',
  name: 'agent',
  summary: 'One agent.',
  input: aboutAgent,
  who: OPERATORS,
  reads: true,
  run: (rooms, { agent }) => rooms.agents.get(agent),
});

/** A reader that falls behind skips intermediate states, never the newest. */
export const followAgents = defineVerb({
  kind: 'stream',
  name: 'followAgents',
  summary: 'Every agent, then those that change and the names of removed ones.',
  input: z.strictObject({}),
  who: OPERATORS,
  encode: (change: AgentsChange) => change,
  run(rooms, _input, sink) {
    const dirty = new Set<string>();
    function flush(): void {
      if (dirty.size === 0) return;
      const views = new Map(rooms.agents.all().map((view) => [view.name, view]));
      const names = [...dirty];
      dirty.clear();
      sink.item({
        agents: names.flatMap((name) => views.get(name) ?? []),
        removed: names.filter((name) => !views.has(name)),
      });
    }
    const unsubscribe = rooms.agents.follow((names) => {
      for (const name of names) dirty.add(name);
      if (!sink.full()) flush();
    });
    sink.item({ agents: rooms.agents.all(), removed: [] });
    return { drained: flush, close: unsubscribe };
  },
});
