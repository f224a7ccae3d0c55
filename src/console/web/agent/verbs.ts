/** Verbs as the menu and the command list name them. */
import type { AgentVerb, AgentView } from '../../console-protocol.ts';
import { command } from '../state/actions.ts';
import { go } from '../state/place.ts';
import { dialog } from '../state/store.ts';
import type { IconName } from '../ui/icon.tsx';

export interface Action {
  verb: AgentVerb;
  label: string;
  /** On a button. */
  short?: string;
  icon: IconName;
  key?: string;
  danger?: boolean;
  /** One line of what it does. */
  what?: string;
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
    short: 'Take over',
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
    verb: 'hold',
    label: 'Hold at the next boundary',
    short: 'Hold',
    icon: 'hold',
    key: 'h',
    what: 'Finishes the running tool; then no tool runs and no turn begins',
    run: (agent) => void command('hold', agent),
  },
  {
    verb: 'pause',
    label: 'Pause at once',
    short: 'Pause',
    icon: 'pause',
    key: 'p',
    what: 'Freezes all its processes where they are',
    run: (agent) => void command('pause', agent),
  },
  {
    verb: 'resume',
    label: 'Resume',
    icon: 'play',
    key: 'r',
    what: 'Lets it continue, and tells it how long it was away and what changed',
    run: (agent) => void command('resume', agent),
  },
  {
    verb: 'interrupt',
    label: 'Interrupt the turn',
    short: 'Interrupt',
    icon: 'interrupt',
    key: 'x',
    what: 'Aborts the running tool and ends the turn; the conversation is kept',
    run: (agent) => void command('interrupt', agent),
  },
  {
    verb: 'widen',
    label: 'Trust what others said',
    short: 'Trust',
    icon: 'check',
    what: 'Only its own rules apply again, until another sender writes to it',
    run: (agent) => void command('widen', agent, { senders: [...agent.narrowedBy] }),
  },
  { verb: 'start', label: 'Start', icon: 'play', key: 's', run: (agent) => void command('start', agent) },
  {
    verb: 'stop',
    label: 'Stop',
    icon: 'stop',
    key: 's',
    what: 'Asks it to end, kills it if it does not; the conversation is kept',
    run: confirm('stop'),
  },
  {
    verb: 'restart',
    label: 'Restart',
    icon: 'restart',
    key: 'R',
    what: 'Stops it and starts it again in the same conversation',
    run: confirm('restart'),
  },
  {
    verb: 'kill',
    label: 'Kill',
    icon: 'cross',
    key: 'K',
    danger: true,
    what: 'Ends every process at once',
    run: confirm('kill'),
  },
];

export function actionOf(verb: AgentVerb): Action {
  return ACTIONS.find((action) => action.verb === verb)!;
}
