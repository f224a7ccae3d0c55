/** The page: Fleet, Agent, Inbox side by side; one of them at a time on a phone. */
import { AgentPane } from './agent/agent-pane.tsx';
import { Dialogs } from './dialogs/dialogs.tsx';
import { Fleet } from './fleet/fleet.tsx';
import { NoAgents } from './fleet/no-agents.tsx';
import { Inbox } from './inbox/inbox.tsx';
import { linkToMemory, type Place, place } from './state/place.ts';
import { agents, approvals, connection, dialog, fleetName, inboxOpen } from './state/store.ts';
import { Banners } from './ui/banners.tsx';
import { Gone } from './ui/gone.tsx';
import { Icon } from './ui/icon.tsx';
import { lazily } from './ui/lazily.tsx';
import { Tips } from './ui/tips.tsx';
import { Toasts } from './ui/toasts.tsx';

const Memories = lazily(() => import('./memory/memory-place.tsx').then((module) => module.Memories));

export function App() {
  const { phase } = connection.value;
  if (connection.value.phase === 'signed-out') {
    const { message, next } = connection.value.error;
    return <Gone title="Signed out" text={`${message} ${next}`} />;
  }
  if (phase === 'outdated') {
    return <Gone title="The host has been updated" text="Reload this page to go on." />;
  }
  const shown = visible(place.value);
  return (
    <div
      class={`app at-${shown.at} ${phase === 'lost' ? 'stale' : ''} ${inboxOpen.value ? 'inbox-open' : ''}`}
    >
      <Top at={shown.at} />
      <Banners />
      <div class="panes">
        <Fleet />
        {shown.at === 'agent' ? (
          <AgentPane key={shown.agent} {...shown} name={shown.agent} />
        ) : shown.at === 'memory' ? (
          <Memories memory={shown.memory} asked={shown.asked} />
        ) : (
          <Nobody />
        )}
        <Inbox />
        <button
          type="button"
          class="shade"
          tabIndex={-1}
          aria-label="Close the inbox"
          onClick={() => {
            inboxOpen.value = false;
          }}
        />
      </div>
      <Bottom at={shown.at} />
      <Dialogs />
      <Toasts />
      <Tips />
    </div>
  );
}

type Shown = Exclude<Place, { at: 'home' }>;

/** Where nothing was chosen: on a phone the inbox when something waits in it, the fleet otherwise. */
function visible(at: Place): Shown {
  if (at.at !== 'home') return at;
  return { at: approvals.value.length > 0 ? 'inbox' : 'fleet' };
}

function Top({ at }: { at: Shown['at'] }) {
  const waiting = approvals.value.length;
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label="aether, home">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M7 24 16 7l9 17" />
          <circle cx="16" cy="20.5" r="2.6" />
        </svg>
        <b>aether</b>
      </a>
      {fleetName.value && <span class="fleet-name">{fleetName.value}</span>}
      <span class="spring" />
      <button
        type="button"
        class="search-button"
        aria-keyshortcuts="Control+K"
        onClick={() => {
          dialog.value = { kind: 'palette' };
        }}
      >
        <Icon name="search" />
        <span>Go to or do…</span>
        <span class="kbd" aria-hidden="true">
          Ctrl K
        </span>
      </button>
      <a
        class="button quiet on-wide"
        href={linkToMemory(null)}
        aria-current={at === 'memory' ? 'page' : undefined}
      >
        <Icon name="memory" />
        <span>Memory</span>
      </a>
      <button
        type="button"
        class={`button quiet inbox-button ${waiting > 0 ? 'waiting' : ''}`}
        aria-expanded={inboxOpen.value}
        aria-label={waiting > 0 ? `Inbox, ${waiting} waiting` : 'Inbox, empty'}
        onClick={() => {
          inboxOpen.value = !inboxOpen.value;
        }}
      >
        <Icon name="inbox" />
        {waiting > 0 && <span class="badge">{waiting}</span>}
      </button>
      <button
        type="button"
        class="button quiet icon-only on-wide"
        aria-label="Keyboard shortcuts"
        aria-keyshortcuts="?"
        onClick={() => {
          dialog.value = { kind: 'help' };
        }}
      >
        <Icon name="ask" />
      </button>
    </header>
  );
}

function Nobody() {
  return (
    <main class="agent nobody" tabIndex={-1}>
      {agents.value.size === 0 ? (
        connection.value.phase !== 'connecting' && <NoAgents />
      ) : (
        <div class="empty">
          <p>Choose an agent to see what it does.</p>
          <p class="faint">
            <kbd>j</kbd> <kbd>k</kbd> to move, <kbd>Enter</kbd> to open, <kbd>?</kbd> for all keys
          </p>
        </div>
      )}
    </main>
  );
}

/** Phones only. */
function Bottom({ at }: { at: Shown['at'] }) {
  const waiting = approvals.value.length;
  return (
    <nav class="bottom" aria-label="Places">
      <a href="#/inbox" aria-current={at === 'inbox' ? 'page' : undefined}>
        <Icon name="inbox" />
        <span>Inbox</span>
        {waiting > 0 && <span class="badge">{waiting}</span>}
      </a>
      <a href="#/fleet" aria-current={at === 'fleet' || at === 'agent' ? 'page' : undefined}>
        <Icon name="fleet" />
        <span>Fleet</span>
      </a>
      <a href={linkToMemory(null)} aria-current={at === 'memory' ? 'page' : undefined}>
        <Icon name="memory" />
        <span>Memory</span>
      </a>
      <button
        type="button"
        onClick={() => {
          dialog.value = { kind: 'palette' };
        }}
      >
        <Icon name="search" />
        <span>Go to</span>
      </button>
    </nav>
  );
}
