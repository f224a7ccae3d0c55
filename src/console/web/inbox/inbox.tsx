/** Everything in the fleet that waits for an answer, oldest first. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { plainLine } from '../../../host/shown/plain.ts';
import { linkTo } from '../state/place.ts';
import { answered, approvals, connection, inboxOpen, mail } from '../state/store.ts';
import { Icon } from '../ui/icon.tsx';
import { lazily } from '../ui/lazily.tsx';

const ApprovalCard = lazily(() => import('./approval-card.tsx').then((module) => module.ApprovalCard));
const MailCard = lazily(() => import('./mail-card.tsx').then((module) => module.MailCard));

export function Inbox() {
  const open = approvals.value;
  return (
    <aside class="inbox" aria-label="Inbox" data-pane="inbox">
      <header class="pane-head">
        <h2>Inbox {open.length > 0 && <span class="badge">{open.length}</span>}</h2>
        <button
          type="button"
          class="button quiet icon-only sheet-close"
          aria-label="Close the inbox"
          onClick={() => {
            inboxOpen.value = false;
          }}
        >
          <Icon name="cross" />
        </button>
      </header>
      <div class="scroll">
        {open.map((approval) => (
          <ApprovalCard key={approval.id} approval={approval} where="inbox" />
        ))}
        {mail.value.messages.length > 0 && (
          <section aria-label="Mail">
            <h3 class="group">Mail ({mail.value.unread})</h3>
            {mail.value.messages.map((message) => (
              <MailCard key={message.id} message={message} />
            ))}
          </section>
        )}
        {open.length === 0 && mail.value.unread === 0 && connection.value.phase !== 'connecting' && (
          <div class="empty">
            <p>Nothing needs you.</p>
          </div>
        )}
        {answered.value.length > 0 && (
          <section class="answered" aria-label="Answered">
            <h3 class="group">Answered</h3>
            <ul>
              {answered.value.map(({ approval, how }) => (
                <li key={approval.id}>
                  <Icon name={approval.answer?.allow === false ? 'cross' : 'check'} />
                  <span>
                    {how} · <a href={linkTo(approval.agent)}>{approval.agent}</a>{' '}
                    {plainLine(approval.title, 'prose', 240)}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
      <Announcer />
    </aside>
  );
}

/** Says what arrived to those who do not see it arrive. */
function Announcer() {
  const words = useSignal('');
  const known = useRef<Set<string> | null>(null);
  useSignalEffect(() => {
    const open = approvals.value;
    const before = known.current;
    known.current = new Set(open.map((approval) => approval.id));
    const fresh = before ? open.filter((approval) => !before.has(approval.id)) : [];
    if (fresh.length > 0)
      words.value = fresh
        .map((approval) => `${approval.agent} asks: ${plainLine(approval.title, 'prose', 240)}`)
        .join('. ');
    else if (before && before.size > 0 && open.length === 0) words.value = 'The inbox is empty.';
  });
  return (
    <p class="hidden" role="status" aria-live="polite">
      {words.value}
    </p>
  );
}
