/** Verbs as the menu and the command list name them. */
import type { AgentView, Verb } from '../../wire.ts';
import { command } from '../state/actions.ts';
import { go } from '../state/place.ts';
import { dialog } from '../state/store.ts';
import type { IconName } from '../ui/icon.tsx';

export interface Action {
  verb: Verb;
  label: string;
  icon: IconName;
  key?: string;
  danger?: boolean;
  run(agent: AgentView): void;
}

const confirm =
  (verb: 'stop' | 'kill' | 'restart') =>
  (agent: AgentView): void => {
    dialog.value = { kind: 'confirm', verb, agent: agent.name };
  };

export const ACTIONS: readonly Action[] = [
  {
    verb: 'takeover',
    label: 'Take over the terminal',
    icon: 'hand',
    key: 't',
    run: (agent) => {
      dialog.value = { kind: 'takeover', agent: agent.name };
    },
  },
  {
    verb: 'handback',
    label: 'Hand back',
    icon: 'hand',
    key: 'b',
    run: (agent) => {
      dialog.value = { kind: 'handback', agent: agent.name };
    },
  },
  {
    verb: 'inject',
    label: 'Send a message',
    icon: 'send',
    key: 'i',
    run: (agent) => {
      go({ at: 'agent', agent: agent.name, tab: 'live' });
      // The box is drawn with the tab.
      setTimeout(() => document.getElementById('composer')?.focus());
    },
  },
  {
    verb: 'interrupt',
    label: 'Interrupt the turn',
    icon: 'interrupt',
    run: (agent) => void command('interrupt', agent),
  },
  { verb: 'start', label: 'Start', icon: 'play', key: 's', run: (agent) => void command('start', agent) },
  { verb: 'stop', label: 'Stop', icon: 'stop', key: 's', run: confirm('stop') },
  { verb: 'restart', label: 'Restart', icon: 'restart', run: confirm('restart') },
  { verb: 'kill', label: 'Kill', icon: 'cross', danger: true, run: confirm('kill') },
];

export function actionOf(verb: Verb): Action {
  return ACTIONS.find((action) => action.verb === verb)!;
}
