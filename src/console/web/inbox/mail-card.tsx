/** A message to the operator: who wrote it, what it says, and the button that acknowledges it. */

import { show } from '../../../host/shown/pieces.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import type { MessageView } from '../../console-protocol.ts';
import { Markdown } from '../live/markdown.tsx';
import { acknowledge } from '../state/actions.ts';
import { linkTo } from '../state/place.ts';
import { busy } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { AsSent } from '../ui/as-sent.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Shown, Warnings } from '../ui/shown.tsx';

export function MailCard({ message }: { message: MessageView }) {
  const agent = message.from.startsWith('agent:') ? message.from.slice('agent:'.length) : null;
  return (
    <article
      class="approval in-inbox"
      data-mail={message.id}
      aria-label={`${agent ?? message.from} wrote: ${plainLine(message.subject, 'prose', 240)}`}
    >
      <header>
        <Icon name="mail" />
        {agent === null ? (
          <b>{message.from}</b>
        ) : (
          <a href={linkTo(agent)}>
            <b>{agent}</b>
          </a>
        )}
        <span class="faint">wrote</span>
        <Age since={message.sent_ms} />
      </header>
      <Warnings
        list={[...new Set([message.subject, message.body].flatMap((one) => show(one, 'prose').warnings))]}
      />
      <p class="asked">
        <b>
          <Shown text={message.subject} as="prose" />
        </b>
      </p>
      <Markdown source={message.body} />
      <AsSent value={message.body} />
      <div class="answers">
        <Button
          label="Done"
          busy={busy.value.has(`mail ${message.id}`)}
          onPress={() => void acknowledge(message)}
        />
      </div>
    </article>
  );
}
