/** The head of an agent: its name, its state with the evidence, and its verbs. */
import type { AgentVerb, AgentView } from '../../console-protocol.ts';
import { StatusMark, standingOf } from '../fleet/status.tsx';
import { linkTo, type Tab } from '../state/place.ts';
import { busy } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Shown } from '../ui/shown.tsx';
import { Facts } from './facts.tsx';
import { MoreMenu } from './more-menu.tsx';
import { Subagents } from './subagents.tsx';
import { actionOf } from './verbs.ts';

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
      <Subagents agent={agent} />
      {agent.goal && (
        <details class="goal">
          <summary>
            <span>
              <Shown text={agent.goal} as="prose" />
            </span>
          </summary>
        </details>
      )}
      <nav class="tabs" aria-label="Views">
        <TabLink agent={agent} tab="live" current={tab} label="Live" />
        <TabLink agent={agent} tab="terminal" current={tab} label="Terminal" />
        <TabLink agent={agent} tab="memory" current={tab} label="Memory" />
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

/** What is needed now; everything is in the menu. Who stands still is let go on by the bar that says so. */
function Actions({ agent }: { agent: AgentView }) {
  const verbs: AgentVerb[] = [];
  if (agent.verbs.start === null) verbs.push('start');
  else {
    if (agent.lease === null) verbs.push('takeover');
    if (agent.verbs.resume !== null) verbs.push('hold', 'pause');
    verbs.push('stop');
  }
  return (
    <div class="actions">
      {verbs.map((verb) => {
        const action = actionOf(verb);
        return (
          <Button
            key={verb}
            label={action.short ?? action.label}
            icon={action.icon}
            hint={action.key}
            class={`verb-${verb}`}
            tone={verb === 'start' ? 'primary' : 'plain'}
            whyNot={agent.verbs[verb]}
            tip={action.what}
            busy={busy.value.has(`${verb} ${agent.name}`)}
            onPress={() => action.run(agent)}
          />
        );
      })}
      <MoreMenu agent={agent} />
    </div>
  );
}
