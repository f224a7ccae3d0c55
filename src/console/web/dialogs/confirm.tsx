/** Asks before an agent is stopped, restarted or killed, and says what ends. */
import { useRef } from 'preact/hooks';
import type { AgentView } from '../../console-protocol.ts';
import { command } from '../state/actions.ts';
import { isMine } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';

const WORDS = {
  stop: {
    title: (name: string) => `Stop ${name}?`,
    label: 'Stop',
    what: 'It is asked to end, and killed if it does not. It stays stopped, also after the host restarts, until you start it; its conversation is kept.',
  },
  restart: {
    title: (name: string) => `Restart ${name}?`,
    label: 'Restart',
    what: 'It is stopped and started again, and continues the same conversation.',
  },
  kill: {
    title: (name: string) => `Kill ${name}?`,
    label: 'Kill',
    what: 'Every process of the run is killed at once, background processes included. What the engine has not saved is lost. Stop is enough while it answers.',
  },
} as const;

export function ConfirmDialog({ agent, verb }: { agent: AgentView; verb: keyof typeof WORDS }) {
  const words = WORDS[verb];
  // What is confirmed is what was asked about: another run by then is not meant.
  const asked = useRef(agent).current;
  const whyNot =
    agent.run === asked.run ? agent.verbs[verb] : `A different run of ${agent.name} has begun meanwhile.`;
  return (
    <Modal label={words.title(agent.name)}>
      <h2>{words.title(agent.name)}</h2>
      <p>{words.what}</p>
      {agent.activity === 'tool' && (
        <p class="warn-line">
          A tool is running and will be cut off: <span class="mono">{agent.last ?? 'unknown'}</span>
        </p>
      )}
      {agent.lease && (
        <p class="warn-line">
          {isMine(agent) ? 'You hold' : `${agent.lease.holder} holds`} its terminal, which ends with it.
        </p>
      )}
      {agent.hold && verb !== 'restart' && (
        <p class="warn-line">It is held. When it is started again, it is not.</p>
      )}
      {whyNot && <p class="warn-line">{whyNot}</p>}
      <footer>
        <Button label="Cancel" tone="quiet" offline onPress={closeDialog} />
        <Button
          label={words.label}
          tone={verb === 'restart' ? 'primary' : 'danger'}
          first={verb !== 'kill'}
          whyNot={whyNot}
          onPress={() => {
            closeDialog();
            void command(verb, { ...agent, run: asked.run });
          }}
        />
      </footer>
    </Modal>
  );
}
