/**
 * A corrected statement. It takes the place of the one that was opened, and of no other: where another took that
 * place meanwhile, both are shown.
 */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { CuratedMemory, MemoryChange } from '../../../host/api.ts';
import { diffLines } from '../../../host/shown/diff.ts';
import type { WireError } from '../../console-protocol.ts';
import { DiffView } from '../live/diff-view.tsx';
import { Button } from '../ui/button.tsx';
import { CodeText } from '../ui/code-text.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';
import { WholeText } from '../ui/shown.tsx';
import { showDone } from '../ui/toasts.tsx';
import { LAYERS } from './asked.ts';
import { save } from './story.ts';
import { dateOf, IMPORTANCE, LAYER_MEANING, whoName } from './words.ts';

interface Draft {
  text: string;
  key: string;
  tags: string;
  layer: CuratedMemory['layer'];
  importance: number;
  /** As it is typed; empty: never. */
  expires: string;
}

const draftOf = ({ text, key, tags, layer, importance, expires_ms }: CuratedMemory): Draft => ({
  text,
  key: key ?? '',
  tags: tags.join(', '),
  layer,
  importance,
  expires: expires_ms === null ? '' : new Date(expires_ms).toISOString(),
});

/** What differs: the rest stays as it is, whatever another editor makes of it. */
function changeOf(before: Draft, now: Draft): MemoryChange {
  const tags = now.tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return {
    ...(now.text === before.text ? {} : { text: now.text }),
    ...(now.key === before.key || now.key.trim() === '' ? {} : { key: now.key.trim() }),
    ...(now.tags === before.tags ? {} : { tags }),
    ...(now.layer === before.layer ? {} : { layer: now.layer }),
    ...(now.importance === before.importance ? {} : { importance: now.importance }),
    ...(now.expires === before.expires
      ? {}
      : { expires: now.expires.trim() === '' ? null : now.expires.trim() }),
  };
}

export function EditDialog({ memory, onSaved }: { memory: CuratedMemory; onSaved(id: string): void }) {
  const opened = useRef(draftOf(memory)).current;
  const draft = useSignal(opened);
  /** What my statement would take the place of. */
  const stands = useSignal(memory);
  const problem = useSignal<WireError | null>(null);
  const saving = useSignal(false);
  const conflict = stands.value.id !== memory.id;
  const change = changeOf(opened, draft.value);
  const same = Object.keys(change).length === 0;
  const set = (part: Partial<Draft>): void => {
    draft.value = { ...draft.value, ...part };
  };
  const submit = async (): Promise<void> => {
    if (saving.value || same) return;
    saving.value = true;
    // What I saw and did not change is my word as well, once another statement stands there.
    const saved = await save(stands.value.id, conflict ? { text: draft.value.text, ...change } : change);
    saving.value = false;
    problem.value = 'refused' in saved ? saved.refused : null;
    if ('conflict' in saved) stands.value = saved.conflict;
    if (!('made' in saved)) return;
    closeDialog();
    showDone('It stands. The statement before it is history.');
    onSaved(saved.made.id);
  };
  return (
    <Modal label="Edit a memory" class="memory-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h2>{conflict ? 'Another statement took its place' : 'Edit'}</h2>
        {conflict ? (
          <Conflict stands={stands.value} mine={draft.value.text} />
        ) : (
          <p>
            What is so now. The statement before it stays as history, and what rested on it is marked stale.
          </p>
        )}
        <Fields draft={draft.value} set={set} keyed={memory.key !== null} />
        {problem.value && (
          <p class="warn-line" role="alert">
            {problem.value.message} <CodeText text={problem.value.next} />
          </p>
        )}
        <footer>
          {conflict ? (
            <Button
              label="Keep what stands"
              tone="quiet"
              offline
              onPress={() => {
                closeDialog();
                onSaved(stands.value.id);
              }}
            />
          ) : (
            <Button label="Cancel" tone="quiet" offline onPress={closeDialog} />
          )}
          <Button
            label={conflict ? 'Put mine in its place' : 'Save'}
            tone="primary"
            type="submit"
            whyNot={same ? 'Nothing is changed yet.' : null}
            busy={saving.value}
          />
        </footer>
      </form>
    </Modal>
  );
}

function Conflict({ stands, mine }: { stands: CuratedMemory; mine: string }) {
  return (
    <div class="conflict" role="alert">
      <p>
        {whoName(stands.author)} stored it on {dateOf(stands.updated_ms)}
        {stands.key !== null && `, as version ${stands.version}`}. Nothing of yours was saved yet.
      </p>
      <div class="side-by-side">
        <article class="side" aria-label="What stands now">
          <header>
            <b>What stands now</b>
          </header>
          <div class="side-text">
            <WholeText text={stands.text} as="prose" />
          </div>
        </article>
        <article class="side" aria-label="What yours would change of it">
          <header>
            <b>What yours would change of it</b>
          </header>
          <DiffView lines={diffLines(stands.text, mine)} />
        </article>
      </div>
    </div>
  );
}

function Fields({ draft, set, keyed }: { draft: Draft; set(part: Partial<Draft>): void; keyed: boolean }) {
  return (
    <>
      <label class="stack">
        <span>Text</span>
        <textarea
          class="field"
          rows={6}
          required
          // biome-ignore lint/a11y/noAutofocus: the dialog was opened to type into
          autoFocus
          value={draft.text}
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      <div class="memory-fields">
        <label class="stack">
          <span>Key</span>
          <input
            class="field mono"
            placeholder={keyed ? '' : 'none'}
            maxLength={256}
            value={draft.key}
            onInput={(event) => set({ key: event.currentTarget.value })}
          />
        </label>
        <label class="stack">
          <span>Tags, separated by commas</span>
          <input
            class="field"
            placeholder="none"
            value={draft.tags}
            onInput={(event) => set({ tags: event.currentTarget.value })}
          />
        </label>
        <label class="stack">
          <span>Layer</span>
          <select
            class="field"
            value={draft.layer}
            onChange={(event) => set({ layer: event.currentTarget.value as Draft['layer'] })}
          >
            {LAYERS.map((layer) => (
              <option key={layer} value={layer}>
                {LAYER_MEANING[layer]}
              </option>
            ))}
          </select>
        </label>
        <label class="stack">
          <span>Importance</span>
          <select
            class="field"
            value={String(draft.importance)}
            onChange={(event) => set({ importance: Number(event.currentTarget.value) })}
          >
            {IMPORTANCE.map((word, value) => (
              <option key={word} value={String(value)}>
                {`${value}: ${word}`}
              </option>
            ))}
          </select>
        </label>
        <label class="stack">
          <span>Expires: a date, or from now on (7d)</span>
          <input
            class="field"
            placeholder="never"
            value={draft.expires}
            onInput={(event) => set({ expires: event.currentTarget.value })}
          />
        </label>
      </div>
    </>
  );
}
