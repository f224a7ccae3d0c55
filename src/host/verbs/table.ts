/** Which verbs an agent takes now: the `legal` of every verb that has one, in one table. */
import type { AgentView } from '../api.ts';
import { verbs } from './all.ts';
import type { AgentVerb } from './names.ts';
import type { AnyVerb, VerbFacts } from './verb.ts';

const judges = Object.values(verbs as unknown as Record<string, AnyVerb>).filter(
  (verb) => verb.legal !== undefined,
);

export function legalVerbs(facts: VerbFacts): AgentView['verbs'] {
  return Object.fromEntries(judges.map((verb) => [verb.name as AgentVerb, verb.legal!(facts)])) as Record<
    AgentVerb,
    string | null
  >;
}
