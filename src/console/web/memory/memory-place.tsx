/** Memories of the fleet, or of one agent: a list, one of them, or how much the scopes hold. Loaded when first shown. */
import { linkToMemory } from '../state/place.ts';
import { Icon } from '../ui/icon.tsx';
import { readAsked } from './asked.ts';
import { ListView } from './list-view.tsx';
import { ScopesView } from './scopes-view.tsx';
import { StoryView } from './story-view.tsx';
import './memory.css';

interface Props {
  memory: string | null;
  asked: string;
}

/** In the place of an id. */
export const SCOPES = 'scopes';

export function Memories(props: Props) {
  return (
    <main class="agent memory-place" aria-label="Memory" tabIndex={-1}>
      <header class="memory-head">
        <a class="button quiet icon-only to-fleet" href="#/fleet" aria-label="Fleet">
          <Icon name="back" />
        </a>
        <h1>Memory</h1>
        <nav class="tabs" aria-label="Views">
          <a href={linkToMemory(null)} aria-current={props.memory !== SCOPES ? 'page' : undefined}>
            What is remembered
          </a>
          <a
            href={linkToMemory(null, { memory: SCOPES })}
            aria-current={props.memory === SCOPES ? 'page' : undefined}
          >
            Scopes
          </a>
        </nav>
      </header>
      <Shown agent={null} {...props} />
    </main>
  );
}

export function AgentMemories({ agent, ...props }: Props & { agent: string }) {
  return <Shown agent={agent} {...props} />;
}

function Shown({ agent, memory, asked }: Props & { agent: string | null }) {
  if (memory === SCOPES && agent === null) return <ScopesView />;
  if (memory !== null) return <StoryView key={memory} agent={agent} id={memory} asked={asked} />;
  return <ListView agent={agent} asked={readAsked(asked)} />;
}
