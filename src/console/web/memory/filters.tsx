/** Words to search for, and what narrows the list. On a narrow page the filters are put away until they are wanted. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { agents } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { type Asked, LAYERS, narrowed, STATES } from './asked.ts';
import { PinIcon } from './icons.tsx';
import type { MemoryList } from './list.ts';
import { holderName, STATE_WORD } from './words.ts';

const TYPING_MS = 250;

interface Props {
  agent: string | null;
  asked: Asked;
  list: MemoryList;
  set(change: Partial<Asked>): void;
}

export function Filters({ agent, asked, list, set }: Props) {
  const count = narrowed(asked);
  const [open, setOpen] = useState(() => count > 0 || matchMedia('(min-width: 720px)').matches);
  return (
    <search class="memory-filters">
      <div class="memory-search">
        <Typed
          id="memory-search"
          label={agent === null ? 'Search all memories' : `Search what ${agent} remembers`}
          placeholder="Search: a question, or likely words"
          value={asked.query}
          set={(query) => set({ query })}
        />
        <button type="button" class="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="chevron" />
          <span>{count > 0 ? `Filters (${count})` : 'Filters'}</span>
        </button>
      </div>
      {open && (
        <div class="memory-narrow">
          {agent === null ? (
            <Whose asked={asked} list={list} set={set} />
          ) : (
            <Which agent={agent} asked={asked} set={set} />
          )}
          <Choice
            label="State"
            value={asked.state}
            all="All that stand"
            options={STATES.map((state) => [state, STATE_WORD[state]])}
            set={(state) => set({ state: state as Asked['state'] })}
          />
          <Choice
            label="Layer"
            value={asked.layer}
            all="Any layer"
            options={LAYERS.map((layer) => [layer, layer])}
            set={(layer) => set({ layer: layer as Asked['layer'] })}
          />
          {agent === null && <Author asked={asked} set={set} />}
          <Typed label="Tag" placeholder="Tag" value={asked.tag} set={(tag) => set({ tag: tag.trim() })} />
          <Button
            label="Pinned"
            icon={<PinIcon />}
            tone="quiet"
            class={asked.pinned ? 'on' : ''}
            pressed={asked.pinned}
            offline
            onPress={() => set({ pinned: !asked.pinned })}
          />
          {count > 0 && (
            <Button
              label="Clear"
              tone="quiet"
              offline
              onPress={() => set({ scope: '', state: '', layer: '', author: '', tag: '', pinned: false })}
            />
          )}
        </div>
      )}
    </search>
  );
}

type Part = Pick<Props, 'asked' | 'set'>;

function Whose({ asked, list, set }: Part & { list: MemoryList }) {
  const known = list.scopes.value.map(({ scope }) => scope);
  const all = asked.scope === '' || known.includes(asked.scope) ? known : [...known, asked.scope];
  return (
    <Choice
      label="Whose"
      value={asked.scope}
      all="Every scope"
      options={all.map((scope) => [scope, holderName(scope)])}
      set={(scope) => set({ scope })}
    />
  );
}

/** Of one agent: what only it reads, or what it stored for others as well. */
function Which({ agent, asked, set }: Part & { agent: string }) {
  return (
    <Choice
      label="Whose"
      value={asked.author}
      all="Its own"
      options={[[`agent:${agent}`, 'Stored by it, in any scope']]}
      set={(author) => set({ author })}
    />
  );
}

function Author({ asked, set }: Part) {
  const names = [...[...agents.value.keys()].map((name) => `agent:${name}`), 'operator', 'host'];
  const all = asked.author === '' || names.includes(asked.author) ? names : [...names, asked.author];
  return (
    <Choice
      label="Author"
      value={asked.author}
      all="Any author"
      options={all.map((name) => [name, name.replace(/^agent:/, 'by ')])}
      set={(author) => set({ author })}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  /** Where nothing is chosen. */
  all: string;
  options: [value: string, words: string][];
  set(value: string): void;
}

function Choice({ label, value, all, options, set }: ChoiceProps) {
  return (
    <select
      class={value === '' ? 'field' : 'field on'}
      aria-label={label}
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
    >
      <option value="">{all}</option>
      {options.map(([one, words]) => (
        <option key={one} value={one}>
          {words}
        </option>
      ))}
    </select>
  );
}

interface TypedProps {
  id?: string;
  label: string;
  placeholder: string;
  value: string;
  set(value: string): void;
}

/** Takes effect a moment after the last key, and at once with Enter. */
function Typed({ id, label, placeholder, value, set }: TypedProps) {
  const text = useSignal(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sent = useRef(value);
  useEffect(() => {
    // Set from elsewhere: a link, the button that clears.
    if (value !== sent.current) text.value = value;
    sent.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const send = (): void => {
    clearTimeout(timer.current);
    sent.current = text.value;
    set(text.value);
  };
  return (
    <input
      id={id}
      type="search"
      class={value === '' || id !== undefined ? 'field' : 'field on'}
      aria-label={label}
      placeholder={placeholder}
      maxLength={2_000}
      value={text.value}
      onInput={(event) => {
        text.value = event.currentTarget.value;
        clearTimeout(timer.current);
        timer.current = setTimeout(send, TYPING_MS);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') send();
      }}
    />
  );
}
