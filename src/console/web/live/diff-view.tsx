/** A diff as a table of lines; the signs are text, so the meaning does not hang on colour. */
import type { DiffLine } from './diff.ts';

const CLASS = { '+': 'added', '-': 'removed', ' ': 'same', '…': 'fold' } as const;
/** More lines than this are cut with a word about how many. */
const LINES_MAX = 400;

export function DiffView({ lines }: { lines: readonly DiffLine[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a <section> would be a landmark, which this is not
    <div class="diff" role="group" aria-label="Changes" tabIndex={0}>
      {lines.slice(0, LINES_MAX).map((line, index) => (
        <div key={index} class={CLASS[line.sign]}>
          <span class="sign">{line.sign}</span>
          <span>{line.text || ' '}</span>
        </div>
      ))}
      {lines.length > LINES_MAX && <div class="fold">… {lines.length - LINES_MAX} more lines</div>}
    </div>
  );
}
