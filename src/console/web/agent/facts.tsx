/** How an agent is: each fact with how it is known and how old that is, on hover and on focus. */
import type { AgentView } from '../../wire.ts';
import { activityWord, evidenceFor, sinceOf, standingOf } from '../fleet/status.tsx';
import { Age } from '../ui/age.tsx';
import { Explained } from '../ui/explained.tsx';

export function Facts({ agent }: { agent: AgentView }) {
  const { input, output } = agent.tokens;
  return (
    <div class="facts">
      <Explained class="fact" evidence={agent.evidence}>
        {agent.state} <Age since={agent.since_ms} />
      </Explained>
      {agent.state === 'running' && activityWord(agent) !== agent.state && (
        <Explained class={`fact strong ${standingOf(agent)}`} evidence={evidenceFor(agent)}>
          {activityWord(agent)} <Age since={sinceOf(agent)} />
        </Explained>
      )}
      {agent.requested && (
        <Explained class="fact requested" tip="Asked for, and not true yet.">
          requested: {agent.requested}
        </Explained>
      )}
      {agent.exit && agent.state !== 'running' && (
        <Explained class="fact" tip={agent.exit.cause}>
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
      {agent.unreadMail > 0 && <span class="fact wide">{agent.unreadMail} unread mail</span>}
      <Explained class="fact wide" tip={`${agent.workspace}\nsandbox: ${agent.sandbox}`}>
        {agent.workspace.split('/').slice(-2).join('/')}
      </Explained>
    </div>
  );
}

function short(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  return count >= 1e3 ? `${Math.round(count / 1e3)}k` : String(count);
}
