/** The take-over dialog: what stops, how long it takes, and interrupting as the second choice. */
import { useSignal } from '@preact/signals';
import type { AgentView } from '../../console-protocol.ts';
import { takeOver } from '../state/actions.ts';
import { go, place } from '../state/place.ts';
import { paneSize } from '../terminal/size.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';

export function TakeoverDialog({ agent }: { agent: AgentView }) {
  const whyNot = agent.verbs.takeover;
  const when = useSignal<'boundary' | 'now'>('boundary');
  const direct = agent.terminal.kind === 'engine';
  const beside = agent.can.takeover === 'beside';
  const inTool = agent.activity === 'tool';
  const begin = async (): Promise<void> => {
    if (whyNot !== null) return;
    closeDialog();
    const held = await takeOver(agent, when.value, paneSize());
    // While it waits for the boundary the conversation is what there is to see; and who left meanwhile is not called back.
    const here = place.value.at === 'agent' && place.value.agent === agent.name;
    if (held && here) go({ at: 'agent', agent: agent.name, tab: 'terminal' });
  };
  return (
    <Modal label={`Take over ${agent.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <h2>Take over {agent.name}</h2>
        <p>
          {direct
            ? 'It runs in a terminal already: you get the keyboard, and nothing stops.'
            : beside
              ? 'You get a terminal beside it, on the same conversation. Nothing stops: it goes on with its turn. Messages to it wait until you hand back.'
              : `You get a terminal on the same conversation. The agent waits while you hold it${agent.hold ? '' : ', and goes on when you hand back'}.`}
        </p>
        {!direct && !beside && (
          <fieldset class="choices">
            <legend class="hidden">When</legend>
            <label>
              <input
                type="radio"
                name="when"
                checked={when.value === 'boundary'}
                onChange={() => {
                  when.value = 'boundary';
                }}
              />
              <span>
                <b>At the boundary</b>
                <span class="soft">
                  {inTool && agent.activityEvidence ? (
                    <>
                      Waits for the running tool (<span class="mono">{agent.last ?? 'tool'}</span>, for{' '}
                      <Age since={agent.activityEvidence.at_ms} /> so far). Nothing is cut off.
                    </>
                  ) : agent.activity === 'idle' ? (
                    'It is idle: at once. Nothing is cut off.'
                  ) : agent.activity === 'waiting-for-operator' ? (
                    'It waits for your answer: as soon as you have given it. Nothing is cut off.'
                  ) : agent.activity === 'held' ? (
                    'It is held: at once. A call that stands at the gate is not run. It stays held after the hand-back.'
                  ) : (
                    'No tool is running: as soon as the model has paused. Nothing is cut off.'
                  )}
                </span>
              </span>
            </label>
            <label>
              <input
                type="radio"
                name="when"
                checked={when.value === 'now'}
                onChange={() => {
                  when.value = 'now';
                }}
              />
              <span>
                <b>Now</b>
                <span class="soft">
                  Interrupts the turn. {inTool ? 'The running tool and' : 'Any'} background shells of the
                  agent end.
                </span>
              </span>
            </label>
          </fieldset>
        )}
        {whyNot && <p class="warn-line">{whyNot}</p>}
        <footer>
          <Button label="Cancel" tone="quiet" offline onPress={closeDialog} />
          <Button label="Take over" icon="hand" tone="primary" type="submit" whyNot={whyNot} />
        </footer>
      </form>
    </Modal>
  );
}
