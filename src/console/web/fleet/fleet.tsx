/** All agents at a glance. */
import { useComputed } from '@preact/signals';
import { place } from '../state/place.ts';
import { agents, connection, filter } from '../state/store.ts';
import { NoAgents } from './no-agents.tsx';
import { groupsOf } from './order.ts';
import { Row } from './row.tsx';

export function Fleet() {
  const groups = useComputed(() => groupsOf(agents.value.values(), filter.value));
  const current = place.value.at === 'agent' ? place.value.agent : null;
  return (
    <nav class="fleet" aria-label="Fleet" data-pane="fleet">
      {agents.value.size > 5 && (
        <div class="fleet-filter">
          <input
            id="fleet-filter"
            type="search"
            placeholder="Filter agents"
            aria-label="Filter agents"
            aria-keyshortcuts="/"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value;
            }}
          />
          {filter.value === '' && (
            <span class="kbd" aria-hidden="true">
              /
            </span>
          )}
        </div>
      )}
      <div class="scroll">
        {groups.value.map((group) => (
          <section key={group.label} aria-label={group.label}>
            <h2 class="group">
              {group.label} <span>{group.agents.length}</span>
            </h2>
            <ul>
              {group.agents.map((agent) => (
                <Row key={agent.name} agent={agent} current={agent.name === current} />
              ))}
            </ul>
          </section>
        ))}
        {groups.value.length === 0 && agents.value.size > 0 && (
          <p class="empty">No agent matches “{filter.value}”.</p>
        )}
        {agents.value.size === 0 && connection.value.phase !== 'connecting' && <NoAgents />}
      </div>
    </nav>
  );
}
