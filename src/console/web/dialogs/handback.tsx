/** After a take-over: a word for the agent, and what it will be told by itself. */
import { useSignal } from '@preact/signals';
import type { AgentView } from '../../wire.ts';
import { handBack } from '../state/actions.ts';
import { go } from '../state/place.ts';
import { isMine } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';

export function HandbackDialog({ agent }: { agent: AgentView }) {
  const note = useSignal('');
  const whyNot = agent.verbs.handback;
  const finish = async (): Promise<void> => {
    if (whyNot !== null) return;
    closeDialog();
    if (await handBack(agent, note.value.trim())) go({ at: 'agent', agent: agent.name, tab: 'live' });
  };
  return (
    <Modal label={`Hand back ${agent.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void finish();
        }}
      >
        <h2>Hand back {agent.name}</h2>
        <p>
          {agent.lease && (
            <>
              {isMine(agent) ? 'You held it' : `${agent.lease.holder} held it`} for{' '}
              <Age since={agent.lease.since_ms} />.{' '}
            </>
          )}
          The agent goes on with the same conversation and is told which files changed meanwhile.
        </p>
        <label class="stack">
          <span>Note for the agent</span>
          <textarea
            class="field"
            rows={3}
            placeholder="What you did, and what it should do next (optional)"
            value={note.value}
            onInput={(event) => {
              note.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                void finish();
              }
            }}
          />
        </label>
        {whyNot && <p class="warn-line">{whyNot}</p>}
        <footer>
          <Button label="Keep holding" tone="quiet" offline onPress={closeDialog} />
          <Button label="Hand back" icon="hand" tone="primary" type="submit" whyNot={whyNot} />
        </footer>
      </form>
    </Modal>
  );
}
