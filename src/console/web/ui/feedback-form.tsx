/** Two thumbs, and words with them: of something that an agent did, or of a memory. Loaded with what it stands in. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Calls } from '../../console-protocol.ts';
import { DownIcon, UpIcon } from '../memory/icons.tsx';
import { act } from '../state/actions.ts';
import { call } from '../state/api.ts';
import { busy } from '../state/store.ts';
import { Button } from './button.tsx';
import { showDone } from './toasts.tsx';
import './feedback.css';

type About = Pick<Calls['feedback']['input'], 'agent' | 'event' | 'memory'>;
type Thumb = Calls['feedback']['input']['thumb'];

interface Props {
  about: About;
  /** `this memory`, `this call`: for those who do not see where the buttons stand. */
  what: string;
  /** It was sent, or given up: the form goes. Without it the thumbs stay. */
  onDone?(): void;
}

const WORDS_MAX = 2_000;

export function FeedbackForm({ about, what, onDone }: Props) {
  /** Chosen, and not sent yet: words may be added. */
  const chosen = useSignal<Thumb | null>(null);
  const words = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (chosen.value !== null) field.current?.focus();
    else if (onDone) root.current?.querySelector<HTMLElement>('button')?.focus();
  }, [chosen.value]);
  const key = `feedback ${about.event ?? about.memory}`;
  const put = (thumb: Thumb | null): void => {
    chosen.value = thumb;
    if (thumb !== null) return;
    words.value = '';
    root.current?.querySelector<HTMLElement>('button')?.focus();
  };
  const send = async (): Promise<void> => {
    const thumb = chosen.value;
    if (thumb === null) return;
    const said = words.value.trim();
    const given = await act(key, () =>
      call('feedback', { ...about, thumb, ...(said === '' ? {} : { words: said }) }),
    );
    if (given === null) return;
    showDone(doneOf(thumb, given));
    put(null);
    onDone?.();
  };
  return (
    <div class={`feedback ${chosen.value === null ? '' : 'open'}`} ref={root}>
      {(['up', 'down'] as const).map((thumb) => (
        <Button
          key={thumb}
          label={thumb === 'up' ? `Say that ${what} was good` : `Say that ${what} was bad`}
          icon={thumb === 'up' ? <UpIcon /> : <DownIcon />}
          iconOnly
          tone="quiet"
          class={`thumb-${thumb}`}
          pressed={chosen.value === thumb}
          onPress={() => put(chosen.value === thumb ? null : thumb)}
        />
      ))}
      {chosen.value === null && onDone && <Button label="Cancel" tone="quiet" offline onPress={onDone} />}
      {chosen.value !== null && (
        <form
          class="feedback-words"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <input
            ref={field}
            class="field"
            aria-label={`What was ${chosen.value === 'up' ? 'good' : 'bad'} of ${what}`}
            placeholder={`What was ${chosen.value === 'up' ? 'good' : 'bad'} of it (optional)`}
            maxLength={WORDS_MAX}
            value={words.value}
            onInput={(event) => {
              words.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              event.stopPropagation();
              if (onDone) onDone();
              else put(null);
            }}
          />
          <Button label="Send" type="submit" tone="primary" busy={busy.value.has(key)} />
          <Button label="Cancel" tone="quiet" offline onPress={() => (onDone ? onDone() : put(null))} />
        </form>
      )}
    </div>
  );
}

function doneOf(thumb: Thumb, { memory, weighed }: Calls['feedback']['output']): string {
  const kept = memory === null ? 'Noted' : 'Remembered';
  if (weighed.length === 0) return `${kept}.`;
  const what = weighed.length === 1 ? 'one memory weighs' : `${weighed.length} memories weigh`;
  return `${kept}; ${what} ${thumb === 'up' ? 'more' : 'less'} in searches now.`;
}
