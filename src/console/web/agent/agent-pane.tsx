/** The middle of the page: one agent, or what to do when there is none. */
import { useComputed } from '@preact/signals';
import type { MemoryPlace, Tab } from '../state/place.ts';
import { agents, connection, isMine } from '../state/store.ts';
import { lazily } from '../ui/lazily.tsx';
import { Header } from './header.tsx';
import { LeaseBar } from './lease-bar.tsx';
import { StandingBar } from './standing-bar.tsx';

const LiveView = lazily(() => import('../live/live-view.tsx').then((module) => module.LiveView));

interface Props extends Partial<MemoryPlace> {
  name: string;
  tab: Tab;
}

const TerminalView = lazily(() =>
  import('../terminal/terminal-view.tsx').then((module) => module.TerminalView),
);
const AgentMemories = lazily(() =>
  import('../memory/memory-place.tsx').then((module) => module.AgentMemories),
);

export function AgentPane({ name, tab, memory = null, asked = '' }: Props) {
  const view = useComputed(() => agents.value.get(name) ?? null);
  const agent = view.value;
  if (!agent) {
    return (
      <main class="agent" tabIndex={-1}>
        {connection.value.phase !== 'connecting' && (
          <p class="empty">There is no agent “{name}”. It may have been removed from the configuration.</p>
        )}
      </main>
    );
  }
  const frame = agent.lease ? (isMine(agent) ? 'held-mine' : 'held-theirs') : '';
  return (
    <main class={`agent ${frame} ${agent.lease?.phase ?? ''}`} aria-label={agent.name} tabIndex={-1}>
      <Header agent={agent} tab={tab} />
      <LeaseBar agent={agent} />
      <StandingBar agent={agent} />
      {tab === 'live' ? (
        <LiveView agent={agent} />
      ) : tab === 'memory' ? (
        <AgentMemories agent={agent.name} memory={memory} asked={asked} />
      ) : (
        <TerminalView agent={agent} />
      )}
    </main>
  );
}
