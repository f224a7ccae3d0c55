/** Shown above the composer: messages that are not read yet, and why. */
import type { AgentView } from '../../console-protocol.ts';
import { takeBack } from '../state/actions.ts';
import { now } from '../state/clock.ts';
import { busy } from '../state/store.ts';
import type { OpenTranscript } from '../state/transcripts.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Shown } from '../ui/shown.tsx';
import { mayBeTakenBack, waitsFor } from './receipt.ts';

/** Most are read sooner than one could read this. */
const SHOWN_AFTER_MS = 3_000;

export function WaitingView({ agent, transcript }: { agent: AgentView; transcript: OpenTranscript }) {
  const messages = [...transcript.waiting.value.values()].filter(
    (message) => mayBeTakenBack(message, agent.can.receipts) && now.value - message.since_ms > SHOWN_AFTER_MS,
  );
  if (messages.length === 0) return null;
  const until = waitsFor(agent);
  return (
    <details class="unread">
      <summary>
        <Icon name="chevron" />
        {messages.length === 1 ? 'One message is' : `${messages.length} messages are`} not read yet
        {until !== null && <span class="faint"> · read once {until}</span>}
      </summary>
      <ul>
        {messages.map(({ inject, text, since_ms, stage }) => (
          <li key={inject}>
            <span class="unread-text">
              <Shown text={text} as="prose" />
            </span>
            <span class="faint">
              {stage} <Age since={since_ms} />
            </span>
            <Button
              label="Take back"
              tone="quiet"
              busy={busy.value.has(`cancel ${inject}`)}
              onPress={() => void takeBack(inject)}
            />
          </li>
        ))}
      </ul>
    </details>
  );
}
