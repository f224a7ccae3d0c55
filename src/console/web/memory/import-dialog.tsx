/** Memories of a file or a folder: what would come is shown first, then it is stored, in the operator's name. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { plainLine } from '../../../host/shown/plain.ts';
import { agents } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { CodeText } from '../ui/code-text.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';
import { showDone } from '../ui/toasts.tsx';
import { withThis } from './export-dialog.tsx';
import { type ReadFiles, readFiles, type Sent, send } from './import.ts';
import type { MemoryList } from './list.ts';
import { countOf, holderName } from './words.ts';

const SHOWN_MAX = 100;

const FATE = {
  new: 'new',
  replaces: 'replaces what stands under its key',
  known: 'known already',
  over: 'its time is over',
} as const;

export function ImportDialog({ scope: opened, list }: { scope: string; list: MemoryList }) {
  const scope = useSignal(opened);
  const files = useSignal<ReadFiles | null>(null);
  const preview = useSignal<Sent | null>(null);
  const problem = useSignal('');
  const working = useSignal('');
  const open = useRef(true);
  const turn = useRef(0);
  useEffect(
    () => () => {
      open.current = false;
    },
    [],
  );

  const look = async (given: ReadFiles | null): Promise<void> => {
    turn.current += 1;
    const mine = turn.current;
    files.value = given;
    preview.value = null;
    if (given === null || given.memories.length === 0) return;
    working.value = 'Comparing';
    const sent = await send(scope.value, given, true, () => open.current && mine === turn.current);
    if (mine !== turn.current) return;
    working.value = '';
    preview.value = sent;
  };
  const choose = async (input: HTMLInputElement, folder: boolean): Promise<void> => {
    problem.value = '';
    try {
      await look(await readFiles([...(input.files ?? [])], folder));
    } catch (error) {
      files.value = null;
      problem.value = error instanceof Error ? error.message : String(error);
    }
    // The same file can be chosen again after it was corrected.
    input.value = '';
  };
  const store = async (): Promise<void> => {
    const given = files.value;
    if (given === null) return;
    working.value = 'Storing';
    const sent = await send(scope.value, given, false, (count) => {
      working.value = `Storing ${count} of ${given.memories.length}`;
      return true;
    });
    working.value = '';
    if (sent.problem === null) {
      closeDialog();
      showDone(`${countOf(sent.stored, 'memory', 'memories')} stored.`);
    } else {
      problem.value = `${sent.stored} were stored, then: ${sent.problem.message} ${sent.problem.next}`;
      await look(given);
    }
  };
  return (
    <Modal label="Import memories" class="memory-dialog">
      <h2>Import memories</h2>
      <p>
        A file of JSON lines, Markdown notes, or of server-memory; or the folder in which Claude keeps its
        notes. Everything is stored in your name, whatever a file says of authors.
      </p>
      <label class="stack">
        <span>Whose they are to be</span>
        <select
          class="field"
          value={scope.value}
          onChange={(event) => {
            scope.value = event.currentTarget.value;
            void look(files.value);
          }}
        >
          {scopesFor(list, opened).map((one) => (
            <option key={one} value={one}>
              {holderName(one)}
            </option>
          ))}
        </select>
      </label>
      <div class="choose-files">
        <Picker label="Choose a file" onChosen={(input) => void choose(input, false)} />
        <Picker label="Choose a folder" folder onChosen={(input) => void choose(input, true)} />
      </div>
      {problem.value !== '' && (
        <p class="warn-line" role="alert">
          <CodeText text={problem.value} />
        </p>
      )}
      {files.value && <Preview files={files.value} preview={preview.value} />}
      <footer>
        <Button label="Cancel" tone="quiet" offline onPress={closeDialog} />
        <Button
          label={
            working.value ||
            (preview.value ? `Store ${countOf(preview.value.stored, 'memory', 'memories')}` : 'Store')
          }
          tone="primary"
          busy={working.value !== ''}
          whyNot={whyNot(files.value, preview.value)}
          onPress={() => void store()}
        />
      </footer>
    </Modal>
  );
}

function whyNot(files: ReadFiles | null, preview: Sent | null): string | null {
  if (files === null) return 'Choose a file or a folder first.';
  if (files.memories.length === 0) return 'No memory was found in it.';
  return preview?.stored === 0 ? 'The scope holds all of it already.' : null;
}

function scopesFor(list: MemoryList, opened: string): string[] {
  const known = withThis(list.scopes.value, opened);
  const all = ['fleet', ...[...agents.value.keys()].map((name) => `agent:${name}`), ...known];
  return [...new Set(all)];
}

/** The browser's own field for files, which is out of sight behind a button of ours. */
function Picker(props: { label: string; folder?: boolean; onChosen(input: HTMLInputElement): void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    input.current!.webkitdirectory = props.folder === true;
  }, []);
  return (
    <>
      <input
        ref={input}
        type="file"
        class="hidden"
        tabIndex={-1}
        aria-label={props.label}
        accept={props.folder ? undefined : '.jsonl,.ndjson,.json,.md,.markdown,.txt'}
        onChange={(event) => props.onChosen(event.currentTarget)}
      />
      <Button label={`${props.label}…`} onPress={() => input.current?.click()} />
    </>
  );
}

function Preview({ files, preview }: { files: ReadFiles; preview: Sent | null }) {
  const count = (fate: Sent['fates'][number]): number =>
    preview?.fates.filter((one) => one === fate).length ?? 0;
  const parts = (['new', 'replaces', 'known', 'over'] as const)
    .filter((fate) => count(fate) > 0)
    .map((fate) => `${count(fate)} ${FATE[fate]}`);
  return (
    <div class="preview" role="status">
      <p>
        <b>{plainLine(files.from, 'code', 80)}</b> ({files.format}):{' '}
        {countOf(files.memories.length, 'memory', 'memories')}
        {parts.length > 0 && `: ${parts.join(', ')}`}.
      </p>
      {preview?.problem && (
        <p class="warn-line">
          {preview.problem.message} <CodeText text={preview.problem.next} />
        </p>
      )}
      {files.problems.length > 0 && (
        <details>
          <summary>{countOf(files.problems.length, 'part')} could not be read</summary>
          <ul class="faint">
            {files.problems.map((one) => (
              <li key={one}>{plainLine(one, 'prose', 200)}</li>
            ))}
          </ul>
        </details>
      )}
      {preview && files.memories.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <ul class="preview-rows" aria-label="What would come" tabIndex={0}>
          {files.memories.slice(0, SHOWN_MAX).map(({ text, key }, at) => {
            const fate = preview.fates[at];
            return (
              <li key={at} class={fate}>
                <span>
                  {key !== undefined && <b class="mono">{plainLine(key, 'code', 60)}</b>}{' '}
                  {plainLine(text, 'prose', 160)}
                </span>
                {fate !== undefined && <span class="faint">{FATE[fate]}</span>}
              </li>
            );
          })}
          {files.memories.length > SHOWN_MAX && (
            <li class="faint">and {files.memories.length - SHOWN_MAX} more</li>
          )}
        </ul>
      )}
    </div>
  );
}
