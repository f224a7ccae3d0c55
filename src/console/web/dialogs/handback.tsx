/** The hand-back dialog: what changed, a note for the agent, and whether it continues at once. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AgentView, Calls } from '../../console-protocol.ts';
import { changesOf, handBack } from '../state/actions.ts';
import { go } from '../state/place.ts';
import { isMine } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';
import { ScrollText } from '../ui/scroll-text.tsx';

export function HandbackDialog({ agent }: { agent: AgentView }) {
  const note = useSignal('');
  const changes = useSignal<Calls['changes']['output'] | 'loading'>('loading');
  // What is handed back is the lease this was opened for, not one that was taken since.
  const opened = useRef(agent.lease).current;
  const same = agent.lease?.generation === opened?.generation;
  const whyNot = same ? agent.verbs.handback : `You no longer hold ${agent.name}.`;
  const pending = agent.lease?.phase === 'pending';

  useEffect(() => {
    void changesOf(agent.name).then((found) => {
      changes.value = found;
    });
  }, [agent.name]);

  const finish = async (held: boolean): Promise<void> => {
    if (whyNot !== null) return;
    closeDialog();
    if (await handBack(agent, note.value.trim(), held)) go({ at: 'agent', agent: agent.name, tab: 'live' });
  };
  if (pending) {
    return (
      <Modal label={`Withdraw from ${agent.name}`}>
        <h2>Not take over {agent.name} after all?</h2>
        <p>The take-over still waits. If you withdraw it, the agent goes on as before.</p>
        {whyNot && <p class="warn-line">{whyNot}</p>}
        <footer>
          <Button label="Go on waiting" tone="quiet" offline onPress={closeDialog} />
          <Button label="Withdraw" tone="primary" whyNot={whyNot} onPress={() => void finish(false)} />
        </footer>
      </Modal>
    );
  }
  return (
    <Modal label={`Hand back ${agent.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void finish(false);
        }}
      >
        <h2>Hand back {agent.name}</h2>
        <p>
          {opened && (
            <>
              {isMine(agent) ? 'You held it' : `${opened.holder} held it`} for <Age since={opened.since_ms} />
              .{' '}
            </>
          )}
          The agent is told what changed and what you write here, and goes on
          {agent.hold ? ' when it is resumed: it is held.' : '; handed back held, only when it is resumed.'}
        </p>
        <Changed changes={changes.value} />
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
                void finish(false);
              }
            }}
          />
        </label>
        {whyNot && <p class="warn-line">{whyNot}</p>}
        <footer>
          <Button label="Keep holding" tone="quiet" offline onPress={closeDialog} />
          {agent.hold === null && (
            <Button
              label="Hand back held"
              icon="hold"
              tip="It reads the note and goes on only when it is resumed."
              whyNot={whyNot ?? (agent.can.hold ? null : `${agent.name} has no gate, so it cannot be held.`)}
              onPress={() => void finish(true)}
            />
          )}
          <Button
            label="Hand back"
            icon="hand"
            tone="primary"
            type="submit"
            tip={agent.hold ? 'It goes on when it is resumed.' : 'It goes on at once.'}
            whyNot={whyNot}
          />
        </footer>
      </form>
    </Modal>
  );
}

function Changed({ changes }: { changes: Calls['changes']['output'] | 'loading' }) {
  if (changes === 'loading') return <p class="changed faint">Looking for what changed…</p>;
  if (changes === null) return null;
  const { files } = changes;
  if (files.length === 0) return <p class="changed">No file of the workspace has changed since.</p>;
  return (
    <div class="changed">
      <p>{files.length === 1 ? 'One file has' : 'These files have'} changed since:</p>
      <ScrollText label="Changed files" text={files.join('\n')} />
    </div>
  );
}
