/**
 * Text of an agent as host/shown makes it safe to judge: marks where text looks different from what it is, and why.
 */
import { useState } from 'preact/hooks';
import { endsOf, leftOut } from '../../../host/shown/ends.ts';
import { type Piece, type Reading, show } from '../../../host/shown/pieces.ts';
import { plainLine } from '../../../host/shown/plain.ts';

export function Shown({ text, as }: { text: string; as: Reading }) {
  const { pieces } = show(text, as);
  if (pieces.length === 1 && pieces[0]!.kind === 'text') return <>{text}</>;
  return <>{pieces.map(piece)}</>;
}

function piece({ kind, raw, shown, why }: Piece, key: number) {
  switch (kind) {
    case 'text':
      return shown;
    case 'rtl':
      return <bdi key={key}>{raw}</bdi>;
    case 'fold':
      return (
        <span key={key} class="fold-mark">
          {shown}
        </span>
      );
    case 'mark':
    case 'looks':
      return (
        <span key={key} class={kind === 'mark' ? 'unseen-mark' : 'looks-mark'} data-tip={why}>
          {shown}
        </span>
      );
  }
}

/** More is shown by its two ends, until it is asked for. */
const LIMIT = { lines_max: 90, chars_max: 12_000 };

/** All of a text, or its two ends and what opens the rest: the end is never out of sight. */
export function WholeText({ text, as }: { text: string; as: Reading }) {
  const [open, setOpen] = useState(false);
  const ends = open ? null : endsOf(text, LIMIT);
  if (ends === null) return <Shown text={text} as={as} />;
  return (
    <>
      <Shown text={ends.head} as={as} />
      <button type="button" class="left-out" onClick={() => setOpen(true)}>
        {leftOut(ends)} <span>Show</span>
      </button>
      <Shown text={ends.tail} as={as} />
    </>
  );
}

/** What must be known before judging. */
export function Warnings({ list }: { list: readonly string[] }) {
  if (list.length === 0) return null;
  return (
    <ul class="warnings" aria-label="Read this first">
      {list.map((warning) => (
        <li key={warning}>{plainLine(warning, 'prose', 600)}</li>
      ))}
    </ul>
  );
}
