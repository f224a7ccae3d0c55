/** The subagents of an agent: how many work for it, and of each what it does, has used, and is to do. */
import type { AgentView } from '../../console-protocol.ts';
import { Age } from '../ui/age.tsx';
import { Shown } from '../ui/shown.tsx';
import { short } from './facts.tsx';

const SHOWN = 10;
type Subagent = AgentView['subagents'][number];

export function Subagents({ agent }: { agent: AgentView }) {
  // A host of an older version names none.
  const all = agent.subagents ?? [];
  if (all.length === 0) return null;
  const more = all.length - SHOWN;
  return (
    <details class="subagents" open>
      <summary>
        {all.length} {all.length === 1 ? 'subagent' : 'subagents'} at work
      </summary>
      <ul aria-label={`Subagents of ${agent.name}`}>
        {all.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <b>
              <Shown text={one.label ?? one.id} as="prose" />
            </b>{' '}
            <span class={one.activity === 'waiting-for-operator' ? 'fact needs' : 'fact'}>{doing(one)}</span>{' '}
            <Age since={one.since_ms} />
            {one.tokens != null && ` · ${short(one.tokens)} tokens`}
            {one.task && one.task !== one.label && (
              <span class="faint task">
                <Shown text={one.task} as="prose" />
              </span>
            )}
          </li>
        ))}
        {more > 0 && <li class="faint">and {more} more</li>}
      </ul>
    </details>
  );
}

function doing({ activity, tool }: Subagent) {
  if (activity === 'tool') return <>tool {tool}</>;
  return activity === 'waiting-for-operator' ? <>asks to use {tool}</> : <>thinking</>;
}
