/** Who this is, how it is and how that is known, and what may be done to it. */
import type { AgentView } from '../../wire.ts';
import { StatusMark, standingOf } from '../fleet/status.tsx';
import { command } from '../state/actions.ts';
import { linkTo, type Tab } from '../state/place.ts';
import { busy, dialog } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Facts } from './facts.tsx';
import { MoreMenu } from './more-menu.tsx';

export function Header({ agent, tab }: { agent: AgentView; tab: Tab }) {
  return (
    <header class="agent-head">
      <div class="agent-line">
        <a class="button quiet icon-only to-fleet" href="#/fleet" aria-label="Fleet">
          <Icon name="back" />
        </a>
        <StatusMark standing={standingOf(agent)} />
        <h1>{agent.name}</h1>
        <span class="faint engine">{[agent.runtime, agent.model].filter(Boolean).join(' · ')}</span>
        <Actions agent={agent} />
      </div>
      <Facts agent={agent} />
      {agent.goal && (
        <details class="goal">
          <summary>
            <span>{agent.goal}</span>
          </summary>
        </details>
      )}
      <nav class="tabs" aria-label="Views">
        <TabLink agent={agent} tab="live" current={tab} label="Live" />
        <TabLink agent={agent} tab="terminal" current={tab} label="Terminal" />
      </nav>
    </header>
  );
}

function TabLink(props: { agent: AgentView; tab: Tab; current: Tab; label: string }) {
  return (
    <a
      href={linkTo(props.agent.name, props.tab)}
      aria-current={props.tab === props.current ? 'page' : undefined}
    >
      {props.label}
    </a>
  );
}

function Actions({ agent }: { agent: AgentView }) {
  const working = (verb: string): boolean => busy.value.has(`${verb} ${agent.name}`);
  const off = agent.verbs.start === null;
  return (
    <div class="actions">
      {agent.lease === null && !off && (
        <Button
          label="Take over"
          icon="hand"
          hint="t"
          whyNot={agent.verbs.takeover}
          busy={working('takeover')}
          onPress={() => {
            dialog.value = { kind: 'takeover', agent: agent.name };
          }}
        />
      )}
      {off ? (
        <Button
          label="Start"
          icon="play"
          hint="s"
          tone="primary"
          busy={working('start')}
          onPress={() => void command('start', agent)}
        />
      ) : (
        <Button
          label="Stop"
          icon="stop"
          hint="s"
          class="on-wide"
          whyNot={agent.verbs.stop}
          busy={working('stop')}
          onPress={() => {
            dialog.value = { kind: 'confirm', verb: 'stop', agent: agent.name };
          }}
        />
      )}
      <MoreMenu agent={agent} />
    </div>
  );
}
