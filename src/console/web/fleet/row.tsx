/** One agent in two lines: who, how, since when; what it did last, what it cost. */

import { plainLine } from '../../../host/shown/plain.ts';
import type { AgentView } from '../../console-protocol.ts';
import { linkTo } from '../state/place.ts';
import { Age } from '../ui/age.tsx';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.ts';
import { activityWord, evidenceFor, requestOf, StatusMark, sinceOf, standingOf } from './status.tsx';

export const Row = memo(({ agent, current }: { agent: AgentView; current: boolean }) => {
  const standing = standingOf(agent);
  const request = requestOf(agent);
  const now = request ? request.long : agent.stuck?.what;
  const last = agent.problem?.message ?? now ?? agent.last ?? agent.goal ?? '';
  return (
    <li>
      <a
        class={`row ${standing}`}
        href={linkTo(agent.name)}
        aria-current={current ? 'page' : undefined}
        data-nav
        data-agent={agent.name}
      >
        <StatusMark standing={standing} />
        <span class="row-name">
          <b>{agent.name}</b>
          <span class="row-engine">{agent.runtime}</span>
        </span>
        <span class="row-state" data-evidence={JSON.stringify(evidenceFor(agent))}>
          {request ? (
            <i class="requested">
              {request.short} {request.since_ms !== null && <Age since={request.since_ms} />}
            </i>
          ) : (
            <>
              {activityWord(agent)} <Age since={sinceOf(agent)} />
            </>
          )}
        </span>
        <span class="row-second">
          <span class={`row-last ${request ? 'requested' : ''}`}>{plainLine(last, 'prose', 400)}</span>
          <span class="row-extra">
            {agent.unreadMail > 0 && (
              <span class="count">
                <Icon name="mail" />
                {agent.unreadMail}
                <span class="hidden"> unread mail</span>
              </span>
            )}
            {agent.cost_usd !== null && agent.cost_usd > 0 && <span>${agent.cost_usd.toFixed(2)}</span>}
          </span>
        </span>
      </a>
    </li>
  );
});
