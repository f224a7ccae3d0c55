/** Why an agent does not continue: held, paused, about to be held, or stuck. Shows the evidence, and what helps. */
import type { ComponentChildren } from 'preact';
import type { AgentVerb, AgentView, Evidence } from '../../console-protocol.ts';
import { requestOf } from '../fleet/status.tsx';
import { exactTimeOf, timeOf } from '../state/clock.ts';
import { busy } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { Grade } from '../ui/grade.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { actionOf } from './verbs.ts';

export function StandingBar({ agent }: { agent: AgentView }) {
  const { activity, activityEvidence, hold, stuck } = agent;
  if (activity === 'paused' && activityEvidence) {
    return (
      <Bar agent={agent} class="held" icon="pause" evidence={activityEvidence} verbs={['resume']}>
        <b>Paused</b> since {timeOf(activityEvidence.at_ms)} (<Age since={activityEvidence.at_ms} />
        ). None of its processes runs; time-outs of others may pass.
        {hold && ' It is held as well: resume ends both.'}
      </Bar>
    );
  }
  if (hold && activity === 'held' && activityEvidence) {
    return (
      <Bar agent={agent} class="held" icon="hold" evidence={activityEvidence} verbs={['resume']}>
        <b>Held</b> by {hold.by} since {timeOf(activityEvidence.at_ms)} (
        <Age since={activityEvidence.at_ms} />
        ). No tool runs and no turn begins; what runs in the background goes on.
      </Bar>
    );
  }
  if (hold) return <HoldAsked agent={agent} by={hold.by} since_ms={hold.since_ms} />;
  if (stuck) return <Stuck agent={agent} stuck={stuck} />;
  return null;
}

function HoldAsked({ agent, by, since_ms }: { agent: AgentView; by: string; since_ms: number }) {
  const doing =
    agent.lease !== null
      ? `It is held once ${agent.lease.holder} has handed it back.`
      : agent.pid === null
        ? 'It is not running; the hold takes effect when it does.'
        : agent.activity === 'tool'
          ? `The running tool is finished first${agent.last ? ` (${agent.last})` : ''}. Pause stops it at once.`
          : 'It is held before its next tool, or when its turn ends.';
  return (
    <Bar
      agent={agent}
      class="held asked"
      icon="hold"
      evidence={agent.activityEvidence}
      verbs={agent.lease ? ['resume'] : ['pause', 'resume']}
    >
      <b>{requestOf(agent)?.short === 'hold requested' ? 'Hold requested' : 'To be held'}</b> by {by}{' '}
      <Age since={since_ms} suffix=" ago" />, not in effect yet. {doing}
    </Bar>
  );
}

function Stuck({ agent, stuck }: { agent: AgentView; stuck: NonNullable<AgentView['stuck']> }) {
  const inTool = agent.activity === 'tool';
  return (
    <Bar
      agent={agent}
      class="stuck"
      icon="warn"
      evidence={{ source: 'watchdog', grade: 'observed', what: stuck.what, at_ms: stuck.since_ms }}
      verbs={['interrupt', 'restart', 'takeover']}
    >
      <b>Stuck</b> since {timeOf(stuck.since_ms)} (<Age since={stuck.since_ms} />
      ). {inTool ? 'Interrupt aborts the tool and ends the turn' : 'Interrupt ends the turn'}; the
      conversation is kept. If that does not help, restart starts the engine again.
    </Bar>
  );
}

interface BarProps {
  agent: AgentView;
  class: string;
  icon: IconName;
  evidence: Evidence | null;
  /** What helps, the mildest first. */
  verbs: AgentVerb[];
  children: ComponentChildren;
}

function Bar({ agent, class: className, icon, evidence, verbs, children }: BarProps) {
  return (
    <div class={`standing ${className}`} role="status" aria-label={`How ${agent.name} stands`}>
      <Icon name={icon} />
      <div class="standing-text">
        <p>{children}</p>
        {evidence && (
          <p class="standing-evidence">
            <Grade evidence={evidence} />
            <span title={exactTimeOf(evidence.at_ms)}>{evidence.what}</span>
          </p>
        )}
      </div>
      <div class="standing-verbs">
        {verbs.map((verb, index) => {
          const action = actionOf(verb);
          return (
            <Button
              key={verb}
              label={action.short ?? action.label}
              icon={action.icon}
              hint={action.key}
              tone={index === 0 && !className.includes('asked') ? 'primary' : 'plain'}
              whyNot={agent.verbs[verb]}
              busy={busy.value.has(`${verb} ${agent.name}`)}
              onPress={() => action.run(agent)}
            />
          );
        })}
      </div>
    </div>
  );
}
