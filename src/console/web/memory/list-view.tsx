/** Memories, the newest or the best first: words and filters above, page by page, and what to do where there is none. */
import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { askMemories, linkToMemory } from '../state/place.ts';
import { connection, dialog } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { type Asked, filterOf, narrowed, writeAsked } from './asked.ts';
import { useMemoryChanges } from './changes.ts';
import { ExportDialog } from './export-dialog.tsx';
import { Filters } from './filters.tsx';
import { ExportIcon, ImportIcon } from './icons.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { listOf, type MemoryList } from './list.ts';
import { Meter } from './meter.tsx';
import { MemoryRow } from './row.tsx';

export interface Listed {
  agent: string | null;
  asked: Asked;
}

export function ListView({ agent, asked }: Listed) {
  const words = writeAsked(asked);
  const list = useMemo(() => listOf(agent), [agent]);
  useEffect(() => void list.ask(filterOf(asked, agent)), [list, words]);
  const scroller = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    scroller.current!.scrollTop = list.top;
  }, [list]);
  useMemoryChanges(() => void list.changed());
  const set = (change: Partial<Asked>): void => askMemories(agent, writeAsked({ ...asked, ...change }));
  const { scope } = filterOf(asked, agent);
  const use = useComputed(() => list.scopes.value.find((one) => one.scope === scope));
  return (
    <section class="memory-list" aria-label="Memories" data-pane="memory">
      <Filters agent={agent} asked={asked} list={list} set={set} />
      <div
        class="scroll"
        ref={scroller}
        onScroll={() => {
          list.top = scroller.current?.scrollTop ?? 0;
        }}
      >
        <div class="memory-bar">
          <Tally list={list} />
          {use.value && list.quota.value && <Meter use={use.value} quota={list.quota.value} />}
          <span class="spring" />
          <Button
            label="Import…"
            icon={<ImportIcon />}
            tone="quiet"
            onPress={() => {
              dialog.value = {
                kind: 'own',
                draw: () => <ImportDialog scope={scope ?? 'fleet'} list={list} />,
              };
            }}
          />
          <Button
            label="Export…"
            icon={<ExportIcon />}
            tone="quiet"
            onPress={() => {
              dialog.value = { kind: 'own', draw: () => <ExportDialog scope={scope ?? ''} list={list} /> };
            }}
          />
        </div>
        <Notes list={list} />
        <ul class={list.loading.value ? 'memory-rows loading' : 'memory-rows'}>
          {list.memories.value?.map((memory) => (
            <MemoryRow key={memory.id} memory={memory} agent={agent} asked={words} />
          ))}
        </ul>
        {list.memories.value?.length === 0 && <None agent={agent} asked={asked} list={list} set={set} />}
        {list.cursor.value !== null && (
          <Button
            label="Show more"
            class="more-memories"
            busy={list.loading.value}
            onPress={() => void list.more()}
          />
        )}
      </div>
    </section>
  );
}

function Tally({ list }: { list: MemoryList }) {
  const shown = list.memories.value?.length ?? 0;
  const more = list.cursor.value !== null;
  const text =
    list.memories.value === null
      ? connection.value.phase === 'connecting' || list.problem.value
        ? ''
        : 'Loading…'
      : shown === 0
        ? ''
        : `${more ? `The first ${shown}` : shown === 1 ? 'One memory' : `${shown} memories`}, ${list.filter.query === undefined ? 'the newest first' : 'the best first'}`;
  return (
    <p class="faint" role="status" aria-live="polite">
      {text}
    </p>
  );
}

function Notes({ list }: { list: MemoryList }) {
  const problem = list.problem.value;
  return (
    <>
      {problem && (
        <p class="warn-line">
          {problem.message} <span class="next">{problem.next}</span>
        </p>
      )}
      {list.old.value && (
        <p class="memory-note">
          Memories have changed. <Button label="Show them" tone="quiet" onPress={() => void list.load()} />
        </p>
      )}
      {list.memories.value !== null && list.memories.value.length > 0 && list.notes.value.length > 0 && (
        <p class="memory-note weak">{list.notes.value.join(' ')}</p>
      )}
    </>
  );
}

type Set = (change: Partial<Asked>) => void;

function None({ agent, asked, list, set }: Listed & { list: MemoryList; set: Set }) {
  if (list.filter.query !== undefined) {
    return (
      <div class="empty">
        <p>
          <b>{list.notes.value[0]?.split('. ')[0] ?? 'No memory matches'}.</b>
        </p>
        <p>
          Try other words for the same thing, or fewer filters. What was replaced or is over is not searched.
        </p>
        {narrowed(asked) > 0 ? (
          <Button label="Search without filters" offline onPress={() => set({ ...NO_FILTERS })} />
        ) : (
          <Button label="Search what was replaced" offline onPress={() => set({ state: 'superseded' })} />
        )}
      </div>
    );
  }
  if (narrowed(asked) > 0) {
    return (
      <div class="empty">
        <p>
          <b>No memory fits these filters.</b>
        </p>
        <Button label="Clear the filters" offline onPress={() => set({ ...NO_FILTERS })} />
      </div>
    );
  }
  return (
    <div class="empty">
      <p>
        <b>{agent === null ? 'Nothing is remembered yet.' : `${agent} remembers nothing of its own yet.`}</b>
      </p>
      <p>
        Agents and MCP clients store what they should know again with <code>aether_memory_store</code>; the
        host adds an episode at the end of each run. It appears here by itself.
      </p>
      <p>
        Notes that you have already come with <b>Import…</b>, or{' '}
        <code>aether memory import notes.md {agent === null ? '--fleet' : `--agent ${agent}`}</code>
      </p>
      {agent !== null && (
        <p>
          <a class="link" href={linkToMemory(null, { asked: 'scope=fleet' })}>
            What the whole fleet remembers
          </a>{' '}
          is open to it as well.
        </p>
      )}
    </div>
  );
}

const NO_FILTERS = { scope: '', state: '', layer: '', author: '', tag: '', pinned: false } as const;
