/** The facts about an agent; hover and focus show the evidence for each and its age. */
import type { AgentView } from '../../console-protocol.ts';
import { activityWord, evidenceFor, requestOf, sinceOf, standingOf } from '../fleet/status.tsx';
import { Age } from '../ui/age.tsx';
import { Explained } from '../ui/explained.tsx';
import { GradeWord, MEANING } from '../ui/grade.tsx';

function sandboxTip({ sandbox, sandboxWhy }: AgentView): string {
  const why = sandboxWhy === null ? '' : ` (${sandboxWhy})`;
  return sandbox === 'none'
    ? `No sandbox${why}: its processes have all the rights of your user.`
    : `It runs in ${sandbox}${why}: it sees the system, its workspace and the paths it was given.`;
}

/** What holds its processes together, in short and in full. */
const CONTAINMENT: Record<NonNullable<AgentView['containment']>, readonly [string, string]> = {
  cgroup2: ['control group', 'A control group of its own: pause and kill reach every process of it.'],
  freezer: ['freezer', 'The freezer of a control group: pause reaches every process; kill thaws it first.'],
  descent: [
    'by descent',
    'No control group: processes are found by their descent from its supervisor; a hostile one can escape that.',
  ],
};

export function Facts({ agent }: { agent: AgentView }) {
  const { input, output } = agent.tokens;
  const request = requestOf(agent);
  const active = agent.state === 'running' && activityWord(agent) !== agent.state;
  const held = agent.containment ? CONTAINMENT[agent.containment] : null;
  return (
    <div class="facts">
      <Explained
        class="fact"
        evidence={agent.evidence}
        tip={[MEANING[agent.evidence.grade], held?.[1]].filter(Boolean).join('\n')}
      >
        {agent.state} <Age since={agent.since_ms} /> <GradeWord evidence={agent.evidence} minor={active} />
      </Explained>
      {active && (
        <Explained
          class={`fact strong ${standingOf(agent)}`}
          evidence={evidenceFor(agent)}
          tip={MEANING[evidenceFor(agent).grade]}
        >
          {activityWord(agent)} <Age since={sinceOf(agent)} /> <GradeWord evidence={evidenceFor(agent)} />
        </Explained>
      )}
      {request && (
        <Explained class="fact requested" tip={`Requested, not in effect yet: ${request.long}.`}>
          {request.short} {request.since_ms !== null && <Age since={request.since_ms} />}
        </Explained>
      )}
      {held && (
        <Explained class="fact wide" tip={held[1]}>
          {held[0]}
        </Explained>
      )}
      {agent.network && agent.sandbox !== 'none' && (
        <Explained class="fact wide" tip={agent.network}>
          {agent.network.split(':')[0]} network
        </Explained>
      )}
      {agent.ports?.map((url) => (
        <a class="fact" key={url} href={url} target="_blank" rel="noopener noreferrer">
          port {new URL(url).port}
        </a>
      ))}
      {agent.exit && agent.state !== 'running' && (
        <Explained class="fact" tip={agent.requestedEvidence?.what ?? agent.exit.cause}>
          {agent.exit.signal ? `ended by ${agent.exit.signal}` : `exit code ${agent.exit.code ?? 'unknown'}`}
        </Explained>
      )}
      {agent.cost_usd !== null && agent.cost_usd > 0 && (
        <span class="fact">${agent.cost_usd.toFixed(2)}</span>
      )}
      {input + output > 0 && (
        <Explained
          class="fact wide"
          tip={`${input.toLocaleString()} tokens in, ${output.toLocaleString()} out`}
        >
          {short(input + output)} tokens
        </Explained>
      )}
      {agent.restarts > 0 && <span class="fact wide">{agent.restarts}× restarted</span>}
      {agent.narrowedBy.length > 0 && (
        <Explained
          class="fact wide"
          tip={`It has read text from ${agent.narrowedBy.join(', ')}. Calls that they may not make themselves wait for you while that text is in its conversation. “Trust what others said” ends that.`}
        >
          follows {agent.narrowedBy.length === 1 ? agent.narrowedBy[0] : `${agent.narrowedBy.length} senders`}
        </Explained>
      )}
      {agent.unreadMail > 0 && <span class="fact wide">{agent.unreadMail} unread mail</span>}
      <Explained class="fact wide" tip={sandboxTip(agent)}>
        {agent.sandbox === 'none' ? 'no sandbox' : agent.sandbox}
      </Explained>
      {agent.gaps?.length > 0 && (
        <Explained class="fact wide" tip={`Evidence about it is weaker: ${agent.gaps.join('; ')}.`}>
          weaker evidence
        </Explained>
      )}
      <Explained class="fact wide" tip={agent.workspace}>
        {agent.workspace.split('/').slice(-2).join('/')}
      </Explained>
    </div>
  );
}

export function short(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  return count >= 1e3 ? `${Math.round(count / 1e3)}k` : String(count);
}
