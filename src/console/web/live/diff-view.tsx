/** A diff as a table of lines; the signs are text, so the meaning does not depend on colour. */
import { useState } from 'preact/hooks';
import type { DiffLine } from '../../../host/shown/diff.ts';
import { Shown } from '../ui/shown.tsx';

const CLASS = { '+': 'added', '-': 'removed', ' ': 'same', '…': 'fold' } as const;
/** Of more lines the first and the last are shown, until the rest is asked for. */
const LINES_MAX = 240;
const TAIL = 80;

export function DiffView({ lines }: { lines: readonly DiffLine[] }) {
  const [open, setOpen] = useState(false);
  const left = open ? 0 : lines.length - LINES_MAX;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a <section> would be a landmark, which this is not
    <div class="diff" role="group" aria-label="Changes" tabIndex={0}>
      {lines.slice(0, left > 0 ? LINES_MAX - TAIL : undefined).map(row)}
      {left > 0 && (
        <>
          <button type="button" class="left-out" onClick={() => setOpen(true)}>
            ⋯ {left} lines ⋯ <span>Show</span>
          </button>
          {lines.slice(-TAIL).map(row)}
        </>
      )}
    </div>
  );
}

function row({ sign, text }: DiffLine, key: number) {
  return (
    <div key={key} class={CLASS[sign]}>
      <span class="sign">{sign}</span>
      <span>{sign === '…' || text === '' ? text || ' ' : <Shown text={text} as="file" />}</span>
    </div>
  );
}
