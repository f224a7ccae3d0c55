/** The command palette: every place and every verb, found by typing. */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { ACTIONS, type Action, actionOf } from '../agent/verbs.ts';
import { StatusMark, standingOf } from '../fleet/status.tsx';
import { applyConfig, signOut } from '../state/actions.ts';
import { askToNotify, canNotify } from '../state/notify.ts';
import { go, place, TABS } from '../state/place.ts';
import { agents, dialog, info } from '../state/store.ts';
import { keycap } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';

interface Command {
  id: string;
  label: string;
  mark: IconName | { agent: string };
  key?: string | undefined;
  whyNot?: string | null;
  run(): void;
}

const SHOWN_MAX = 50;

function commands(): Command[] {
  const { value } = place;
  const current = value.at === 'agent' ? agents.value.get(value.agent) : undefined;
  const list: Command[] = [];
  if (current) {
    const legal = (verb: Action['verb']): number => (current.verbs[verb] === null ? 0 : 1);
    for (const action of [...ACTIONS].sort((a, b) => legal(a.verb) - legal(b.verb))) {
      list.push({
        id: action.verb,
        label: `${current.name}: ${action.label}`,
        mark: action.icon,
        key: action.key,
        whyNot: current.verbs[action.verb],
        run: () => actionOf(action.verb).run(current),
      });
    }
    for (const tab of TABS) {
      if (value.at !== 'agent' || value.tab === tab) continue;
      list.push({
        id: `tab ${tab}`,
        label: `${current.name}: show ${tab}`,
        mark: tab === 'memory' ? 'memory' : 'agent',
        run: () => go({ at: 'agent', agent: current.name, tab }),
      });
    }
  }
  for (const agent of agents.value.values()) {
    list.push({
      id: `go ${agent.name}`,
      label: agent.name,
      mark: { agent: agent.name },
      run: () => go({ at: 'agent', agent: agent.name, tab: 'live' }),
    });
  }
  list.push({
    id: 'memory',
    label: 'Memory of the fleet',
    mark: 'memory',
    run: () => go({ at: 'memory', memory: null, asked: '' }),
  });
  if ((info.value?.configWaits.length ?? 0) > 0) {
    list.push({
      id: 'apply',
      label: 'Apply the configuration',
      mark: 'check',
      run: () => void applyConfig(),
    });
  }
  if (canNotify()) {
    list.push({
      id: 'notify',
      label: 'Notify me when an agent asks',
      mark: 'inbox',
      run: () => void askToNotify(),
    });
  }
  list.push({
    id: 'help',
    label: 'Keyboard shortcuts',
    mark: 'ask',
    key: '?',
    run: () => {
      dialog.value = { kind: 'help' };
    },
  });
  list.push({ id: 'sign-out', label: 'Sign out of this browser', mark: 'back', run: signOut });
  return list;
}

/** Every word must occur; a label that starts with the text comes first. */
function matching(all: Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((command) => words.every((word) => command.label.toLowerCase().includes(word)));
  const starts = (command: Command): number =>
    command.label.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1;
  return text === '' ? found : found.sort((a, b) => starts(a) - starts(b));
}

export function Palette() {
  const text = useSignal('');
  const at = useSignal(0);
  const all = useMemo(commands, []);
  const found = matching(all, text.value.trim()).slice(0, SHOWN_MAX);
  const selected = Math.min(at.value, found.length - 1);
  const choose = (command: Command | undefined): void => {
    if (!command || command.whyNot) return;
    closeDialog();
    command.run();
  };
  const move = (by: number): void => {
    at.value = (selected + by + found.length) % Math.max(1, found.length);
    requestAnimationFrame(() =>
      document.getElementById(`command-${at.value}`)?.scrollIntoView({ block: 'nearest' }),
    );
  };
  return (
    <Modal label="Commands" class="palette">
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={found.length > 0 ? `command-${selected}` : undefined}
        aria-label="Go to an agent or do something"
        placeholder="Go to an agent or do something"
        // biome-ignore lint/a11y/noAutofocus: the dialog was opened to type into
        autoFocus
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || (event.ctrlKey && event.key === 'n')) move(1);
          else if (event.key === 'ArrowUp' || (event.ctrlKey && event.key === 'p')) move(-1);
          else if (event.key === 'Enter') choose(found[selected]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="commands" role="listbox" aria-label="Commands" class="scroll">
        {found.map((command, index) => (
          <button
            key={command.id}
            id={`command-${index}`}
            type="button"
            role="option"
            tabIndex={-1}
            aria-selected={index === selected}
            aria-disabled={command.whyNot ? true : undefined}
            onClick={() => choose(command)}
            onPointerMove={() => {
              at.value = index;
            }}
          >
            <Mark mark={command.mark} />
            <span>{command.label}</span>
            {command.whyNot ? (
              <span class="faint">{command.whyNot}</span>
            ) : (
              command.key && <kbd>{keycap(command.key)}</kbd>
            )}
          </button>
        ))}
        {found.length === 0 && <p class="empty">No match.</p>}
      </div>
    </Modal>
  );
}

function Mark({ mark }: { mark: Command['mark'] }) {
  if (typeof mark === 'string') return <Icon name={mark} />;
  const agent = agents.value.get(mark.agent);
  return agent ? <StatusMark standing={standingOf(agent)} /> : <Icon name="agent" />;
}
