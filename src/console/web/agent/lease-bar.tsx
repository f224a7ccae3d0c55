/** Who holds the agent, since when, and what the take-over waits for: the same for every viewer. */
import type { AgentView } from '../../console-protocol.ts';
import { takeOver } from '../state/actions.ts';
import { timeOf } from '../state/clock.ts';
import { busy, dialog, isMine } from '../state/store.ts';
import { paneSize } from '../terminal/size.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';

export function LeaseBar({ agent }: { agent: AgentView }) {
  const { lease } = agent;
  if (!lease) return null;
  const mine = isMine(agent);
  const beside = agent.can.takeover === 'beside';
  const working = (verb: string): boolean => busy.value.has(`${verb} ${agent.name}`);
  return (
    <div class={`lease ${mine ? 'mine' : 'theirs'} ${lease.phase}`} role="status">
      <Icon name="hand" />
      <p>
        {lease.phase === 'pending' && (
          <>
            <b>Take-over requested</b> {mine ? '' : `by ${lease.holder} `}
            <Age since={lease.since_ms} suffix=" ago" />
            {beside
              ? ', its terminal is starting'
              : `, waiting for ${lease.waitingFor === null ? 'the boundary' : lease.waitingFor}`}
          </>
        )}
        {lease.phase === 'held' && mine && (
          <>
            <b>You hold {agent.name}</b> since {timeOf(lease.since_ms)} (<Age since={lease.since_ms} />
            ).{' '}
            {beside
              ? 'The agent goes on beside you; messages to it wait until you hand back.'
              : 'The agent waits until you hand back.'}
          </>
        )}
        {lease.phase === 'held' && !mine && (
          <>
            <b>
              {lease.holder} holds {agent.name}
            </b>{' '}
            since {timeOf(lease.since_ms)} (<Age since={lease.since_ms} />
            ). You see what they see; only they can type.
          </>
        )}
        {lease.phase === 'returning' && <b>Handing back…</b>}
        {lease.expires_ms !== null && ` The holder is gone; handed back at ${timeOf(lease.expires_ms)}.`}
      </p>
      {lease.phase === 'pending' && mine && !beside && agent.verbs.takeover === null && (
        <Button
          label="Take it now"
          busy={working('takeover now')}
          onPress={() => void takeOver(agent, 'now', paneSize())}
        />
      )}
      {agent.verbs.handback === null && (
        <Button
          label={mine ? 'Hand back' : 'Hand back for them'}
          hint="b"
          busy={working('handback')}
          onPress={() => {
            dialog.value = { kind: 'handback', agent: agent.name };
          }}
        />
      )}
    </div>
  );
}
