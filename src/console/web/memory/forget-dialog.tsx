/** Forgetting: what goes with it and what cannot be reached is said before; where words of it still stand, after. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { MemoryRemains, MemoryStory } from '../../../host/api.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import type { Calls } from '../../console-protocol.ts';
import { busy } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';
import { forget, redact } from './story.ts';
import { countOf, shortId } from './words.ts';

type Forgotten = Calls['forgetMemory']['output'];

export function ForgetDialog({ story, onGone }: { story: MemoryStory; onGone(): void }) {
  // What is confirmed is what was read, though the page is drawn again meanwhile.
  const asked = useRef(story).current;
  const done = useSignal<Forgotten | null>(null);
  if (done.value !== null) return <Done gone={done.value} onGone={onGone} />;
  const { memory } = asked;
  return (
    <Modal label="Forget this memory?" class="memory-dialog">
      <h2>Forget this memory?</h2>
      <blockquote class="quoted">{plainLine(memory.text, 'prose', 300)}</blockquote>
      <Before story={asked} />
      <footer>
        <Button label="Cancel" tone="quiet" first offline onPress={closeDialog} />
        <Button
          label="Forget it for good"
          tone="danger"
          busy={busy.value.has(`forget ${memory.id}`)}
          onPress={async () => {
            done.value = await forget(memory.id);
          }}
        />
      </footer>
    </Modal>
  );
}

function Before({ story: { memory, history, dependants, shownTo } }: { story: MemoryStory }) {
  const stands = memory.superseded_ms === null;
  const runs = new Set([
    ...(memory.run === null ? [] : [memory.run]),
    ...shownTo.filter(({ reader }) => !reader.includes(' ')).map(({ reader }) => reader),
  ]);
  const earlier = memory.key !== null && stands ? history.length : 0;
  return (
    <ul class="facts-list">
      <li>
        Its words are removed from the database, the search index, events, mail and messages. This cannot be
        undone; that there was a memory stays known.
      </li>
      {earlier > 0 && <li>{countOf(earlier, 'earlier statement')} under its key go with it.</li>}
      {dependants.length > 0 && (
        <li>
          {countOf(dependants.length, 'memory that rests', 'memories that rest')} on it{' '}
          {dependants.length === 1 ? 'is' : 'are'} marked stale.
        </li>
      )}
      {memory.pinned && <li>It is pinned.</li>}
      <li>
        Where words of it still stand after that is listed, each place with the command that removes it.
      </li>
      <li>
        {runs.size === 0 ? (
          'No journal of a run is known to hold it.'
        ) : (
          <>
            <b>What remains:</b> journals and transcripts of {countOf(runs.size, 'run')} that wrote it or were
            shown it, until retention deletes <code>runs/RUN</code>, or you do:{' '}
            {[...runs].slice(0, 6).join(', ')}
            {runs.size > 6 && ` and ${runs.size - 6} more`}. A snapshot or an export that you made holds it as
            well.
          </>
        )}
      </li>
    </ul>
  );
}

function Done({ gone, onGone }: { gone: Forgotten; onGone(): void }) {
  const { memory, earlier, marked, remains } = gone;
  const stale = marked.stale + marked.possibly_stale;
  const close = (): void => {
    closeDialog();
    onGone();
  };
  return (
    <Modal label="Forgotten" class="memory-dialog">
      <h2>Forgotten</h2>
      <p role="status">
        {shortId(memory.id)} is forgotten
        {earlier.length > 0 && `; ${earlier.length} earlier under its key as well`}
        {stale > 0 && `; ${stale} that rest on it are marked stale`}.
      </p>
      {remains.length === 0 ? (
        <p>No place that the host knows of still holds its words.</p>
      ) : (
        <Remains id={memory.id} remains={remains} />
      )}
      <footer>
        <Button label="Close" tone="primary" first offline onPress={close} />
      </footer>
    </Modal>
  );
}

function Remains({ id, remains }: { id: string; remains: readonly MemoryRemains[] }) {
  const places = useSignal<number | null>(null);
  const command = `aether memory redact ${id}`;
  const redactable = remains.some(({ how }) => how.includes(command));
  return (
    <>
      <p>It still stands in:</p>
      <ul class="remains">
        {remains.map(({ what, where, how }) => (
          <li key={what}>
            <b>{what}</b>
            <span class="mono">
              {where.slice(0, 8).join(', ')}
              {where.length > 8 && ` and ${where.length - 8} more`}
            </span>
            <span class="soft">{how}</span>
          </li>
        ))}
      </ul>
      {redactable &&
        (places.value === null ? (
          <Button
            label="Remove what I may remove"
            tip={command}
            busy={busy.value.has(`redact ${id}`)}
            onPress={async () => {
              const done = await redact(id);
              if (done) places.value = done.places;
            }}
          />
        ) : (
          <p role="status">{countOf(places.value, 'place was', 'places were')} rewritten.</p>
        ))}
    </>
  );
}
