/** In the place of a memory that is not there: what can still be done about one that an agent forgot. */
import { useSignal } from '@preact/signals';
import type { WireError } from '../../console-protocol.ts';
import { busy } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { CodeText } from '../ui/code-text.tsx';
import { redact } from './story.ts';
import { countOf } from './words.ts';

const WHOLE_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export function Gone({ id, problem }: { id: string; problem: WireError }) {
  const places = useSignal<number | null>(null);
  return (
    <div class="empty">
      <p>
        <b>{problem.message}</b>
      </p>
      {problem.code === 'memory.unknown' && WHOLE_ID.test(id) ? (
        <>
          <p>
            Where an agent forgets, what was said of it in conversations, mail and messages stays, as
            evidence. You can have its words removed there as well; <code>aether memory redact {id}</code>{' '}
            does the same.
          </p>
          {places.value === null ? (
            <Button
              label="Remove its words everywhere"
              tone="danger"
              busy={busy.value.has(`redact ${id}`)}
              onPress={async () => {
                const done = await redact(id);
                if (done) places.value = done.places;
              }}
            />
          ) : (
            <p role="status">
              {places.value === 0
                ? 'No place of this host still has its words.'
                : `${countOf(places.value, 'place was', 'places were')} rewritten.`}
            </p>
          )}
        </>
      ) : (
        <p>
          <CodeText text={problem.next} />
        </p>
      )}
    </div>
  );
}
