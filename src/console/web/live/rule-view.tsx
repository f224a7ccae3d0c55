/** A line across the page: a run began or ended, an operator took over, something failed. */
import { exactTimeOf, timeOf } from '../state/clock.ts';
import { CodeText } from '../ui/code-text.tsx';
import { ScrollText } from '../ui/scroll-text.tsx';
import { Shown } from '../ui/shown.tsx';
import type { ItemOf } from './items.ts';
import { Judged } from './judged.tsx';

export function RuleView({ item, agent }: { item: ItemOf<'rule'>; agent: string }) {
  return (
    <div class={`rule ${item.tone}`}>
      <div class="rule-line">
        <span title={exactTimeOf(item.at_ms)}>
          <Shown text={item.text} as="prose" /> <time>{timeOf(item.at_ms)}</time>
        </span>
        <Judged item={item} agent={agent} />
      </div>
      {item.problem && (
        <details class="rule-note">
          <summary>{item.problem.message}</summary>
          <p class="next">
            <CodeText text={item.problem.next} />
          </p>
        </details>
      )}
      {item.note && (
        <blockquote class="rule-note">
          <Shown text={item.note} as="prose" />
        </blockquote>
      )}
      {item.changed.length > 0 && (
        <details class="rule-note">
          <summary>
            {item.changed.length === 1 ? 'One file' : `${item.changed.length} files`} changed meanwhile
          </summary>
          <ScrollText label="Changed files" text={item.changed.join('\n')} />
        </details>
      )}
    </div>
  );
}
