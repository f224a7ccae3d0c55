/** Memories as a file that the browser saves: what stands, not its history. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CuratedMemory, MemoryFilter } from '../../../host/api.ts';
import { FORMATS } from '../../../host/memory/formats/formats.ts';
import { portable } from '../../../host/memory/formats/transfer.ts';
import type { WireError } from '../../console-protocol.ts';
import { call, wireOf } from '../state/api.ts';
import { hostNow } from '../state/clock.ts';
import { Button } from '../ui/button.tsx';
import { closeDialog, Modal } from '../ui/modal.tsx';
import { showDone } from '../ui/toasts.tsx';
import type { MemoryList } from './list.ts';
import { countOf, holderName } from './words.ts';

const PAGE = 200;

const ABOUT: Record<string, string> = {
  jsonl: 'JSON, one memory a line: nothing of it is lost',
  markdown: 'Markdown, to be read and edited by people',
  'server-memory': 'the file of @modelcontextprotocol/server-memory',
};

/** @param scope empty: all of them */
export function ExportDialog({ scope: opened, list }: { scope: string; list: MemoryList }) {
  const scope = useSignal(opened);
  const format = useSignal('jsonl');
  const read = useSignal<number | null>(null);
  const problem = useSignal<WireError | null>(null);
  const open = useRef(true);
  useEffect(
    () => () => {
      open.current = false;
    },
    [],
  );
  const scopes = list.scopes.value;
  const count = scopes
    .filter((one) => scope.value === '' || one.scope === scope.value)
    .reduce((sum, { memories }) => sum + memories, 0);
  const save = async (): Promise<void> => {
    problem.value = null;
    read.value = 0;
    try {
      const filter = scope.value === '' ? {} : { scope: scope.value };
      const memories = await all(filter, (so) => {
        read.value = so;
        return open.current;
      });
      if (memories === null) return;
      // The oldest first: brought again in this order they stand as they stood.
      const [file] = FORMATS.find(({ name }) => name === format.value)!.write(
        memories.map(portable).reverse(),
      );
      download(fileName(scope.value, file!.name), file!.text);
      closeDialog();
      showDone(`${countOf(memories.length, 'memory', 'memories')} saved.`);
    } catch (error) {
      problem.value = wireOf(error);
    } finally {
      read.value = null;
    }
  };
  return (
    <Modal label="Export memories" class="memory-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (read.value === null) void save();
        }}
      >
        <h2>Export memories</h2>
        <p>What stands is written to a file, with its keys, tags and dates; not its history.</p>
        <label class="stack">
          <span>Whose</span>
          <select
            class="field"
            value={scope.value}
            onChange={(event) => {
              scope.value = event.currentTarget.value;
            }}
          >
            <option value="">Every scope</option>
            {withThis(scopes, opened).map((one) => (
              <option key={one} value={one}>
                {holderName(one)}
              </option>
            ))}
          </select>
        </label>
        <fieldset class="choices">
          <legend class="hidden">Format</legend>
          {FORMATS.filter(({ folder }) => !folder).map(({ name }) => (
            <label key={name}>
              <input
                type="radio"
                name="format"
                checked={format.value === name}
                onChange={() => {
                  format.value = name;
                }}
              />
              <span>
                <b>{name}</b>
                <span class="soft">{ABOUT[name]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <p class="dialog-hint">
          Claude’s folder of notes is written by <code>aether memory export --format claude DIR</code>.
        </p>
        {problem.value && (
          <p class="warn-line" role="alert">
            {problem.value.message} <span class="next">{problem.value.next}</span>
          </p>
        )}
        <footer>
          <Button label="Cancel" tone="quiet" offline onPress={closeDialog} />
          <Button
            label={
              read.value === null ? `Export ${countOf(count, 'memory', 'memories')}` : `Reading ${read.value}`
            }
            tone="primary"
            type="submit"
            busy={read.value !== null}
            whyNot={count === 0 ? 'There is nothing to export.' : null}
          />
        </footer>
      </form>
    </Modal>
  );
}

/** @param told how many were read so far; false: no more are wanted. @returns null where it was given up */
async function all(filter: MemoryFilter, told: (count: number) => boolean): Promise<CuratedMemory[] | null> {
  const memories: CuratedMemory[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await call('memories', {
      ...filter,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    memories.push(...page.memories);
    if (!told(memories.length)) return null;
    cursor = page.cursor;
  }
  return memories;
}

export function withThis(scopes: readonly { scope: string }[], scope: string): string[] {
  const known = scopes.map((one) => one.scope);
  return scope === '' || known.includes(scope) ? known : [...known, scope];
}

function fileName(scope: string, name: string): string {
  const whose = scope === '' ? 'memories' : holderName(scope).replace(/[^\p{L}\p{N}]+/gu, '-');
  const [day] = new Date(hostNow()).toISOString().split('T');
  return `${whose}-${day}${/\.\w+$/.exec(name)?.[0] ?? ''}`;
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has to have begun with it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
