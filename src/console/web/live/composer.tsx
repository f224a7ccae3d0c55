/** The box that sends the agent a message. The receipt appears in the conversation. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AgentView, InjectionView } from '../../console-protocol.ts';
import { inject } from '../state/actions.ts';
import { busy } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { waitsFor } from './receipt.ts';

const WHEN: { value: InjectionView['priority']; label: string; what: string }[] = [
  { value: 'now', label: 'Now', what: 'Aborts the running tool and is read at once.' },
  { value: 'next', label: 'Next', what: 'Read right after the running tool; nothing is aborted.' },
  { value: 'later', label: 'Later', what: 'A turn of its own, when this one has ended.' },
];

/** Drafts outlive a change of agent or tab. */
const drafts = new Map<string, string>();

export function Composer({ agent }: { agent: AgentView }) {
  const draft = useSignal(drafts.get(agent.name) ?? '');
  const priority = useSignal<InjectionView['priority']>('next');
  // Kept until the host has taken the text: pressing Send again after a failure sends nothing twice.
  const id = useRef(crypto.randomUUID());
  const box = useRef<HTMLTextAreaElement>(null);
  const whyNot = agent.verbs.inject;

  useEffect(() => {
    draft.value = drafts.get(agent.name) ?? '';
  }, [agent.name]);

  const write = (text: string): void => {
    draft.value = text;
    drafts.set(agent.name, text);
  };

  const send = async (): Promise<void> => {
    const text = draft.value.trim();
    if (text === '' || whyNot !== null) return;
    if (!(await inject(agent, text, priority.value, id.current))) return;
    id.current = crypto.randomUUID();
    write('');
    priority.value = 'next';
    // From the button back to the text; who has gone elsewhere meanwhile is not called back.
    if (box.current?.form?.contains(document.activeElement)) box.current.focus();
  };

  return (
    <form
      class={`composer ${whyNot === null ? '' : 'blocked'}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        id="composer"
        ref={box}
        rows={1}
        placeholder={whyNot ?? placeholder(agent)}
        aria-label={`Message to ${agent.name}`}
        aria-keyshortcuts="i"
        readOnly={whyNot !== null}
        data-tip={whyNot ?? undefined}
        value={draft.value}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            void send();
          }
        }}
      />
      <div class="composer-bar">
        {agent.can.receipts !== 'delivered' && (
          <fieldset class="segments" aria-describedby="composer-when">
            <legend class="hidden">When it is read</legend>
            {WHEN.map(({ value, label }) => (
              <label key={value}>
                <input
                  type="radio"
                  name="priority"
                  checked={priority.value === value}
                  onChange={() => {
                    priority.value = value;
                  }}
                />
                <span>{label}</span>
              </label>
            ))}
          </fieldset>
        )}
        <p id="composer-when" class="composer-when" aria-live="polite">
          {whatBecomes(agent, priority.value)}
        </p>
        <Button
          label="Send"
          icon="send"
          tone={draft.value.trim() === '' ? 'plain' : 'primary'}
          type="submit"
          whyNot={whyNot ?? (draft.value.trim() === '' ? 'Write something first.' : null)}
          busy={busy.value.has(`inject ${agent.name}`)}
        />
      </div>
    </form>
  );
}

/** A message that cannot be read yet waits, and says so before it is sent. */
function placeholder(agent: AgentView): string {
  if (agent.lease) return `Tell ${agent.name} something; it is read after the hand-back`;
  const until = waitsFor(agent);
  return `Tell ${agent.name} something${until === null ? '' : `; it is read once ${until}`}`;
}

function whatBecomes(agent: AgentView, priority: InjectionView['priority']): string {
  const until = waitsFor(agent);
  if (until !== null) return `Waits until ${until}.`;
  if (agent.can.receipts === 'delivered') return 'Typed into its terminal; whether it is read is not known.';
  return WHEN.find(({ value }) => value === priority)!.what;
}
