/** Any item of a transcript. */
import { useState } from 'preact/hooks';
import { ApprovalInline } from '../inbox/approval-inline.tsx';
import { exactTimeOf, timeOf } from '../state/clock.ts';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.ts';
import { Shown } from '../ui/shown.tsx';
import { DeedView } from './deed-view.tsx';
import type { Item, ItemOf } from './items.ts';
import { Judged } from './judged.tsx';
import { Markdown } from './markdown.tsx';
import { RuleView } from './rule-view.tsx';
import { ToldView } from './told-view.tsx';
import { ToolView } from './tool-view.tsx';

export const ItemView = memo(({ item, agent }: { item: Item; agent: string }) => {
  if (item.kind === 'rule') return <RuleView item={item} agent={agent} />;
  return (
    <div class={`item item-${item.kind}`}>
      <time class="gutter" title={`${exactTimeOf(item.at_ms)} · ${item.grade}`}>
        {timeOf(item.at_ms)}
      </time>
      <Content item={item} agent={agent} />
      <Judged item={item} agent={agent} />
    </div>
  );
});

function Content({ item, agent }: { item: Exclude<Item, { kind: 'rule' }>; agent: string }) {
  switch (item.kind) {
    case 'said':
      return item.thinking ? <Thinking item={item} /> : <Markdown source={item.text} />;
    case 'told':
      return <ToldView item={item} agent={agent} />;
    case 'tool':
      return <ToolView item={item} />;
    case 'deed':
      return <DeedView deed={item.deed} />;
    case 'approval':
      return <ApprovalInline item={item} agent={agent} />;
    case 'note':
      return (
        <p class={`note ${item.level}`}>
          {item.level !== 'info' && <Icon name="warn" />}
          <span>
            <Shown text={item.text} as="prose" />
          </span>
        </p>
      );
    case 'other':
      return <Other item={item} />;
  }
}

function Thinking({ item }: { item: ItemOf<'said'> }) {
  const [open, setOpen] = useState(false);
  const first = item.text.trim().split('\n', 1)[0] ?? '';
  return (
    <details class="thinking" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron" />
        <span>
          Thought: <Shown text={first} as="prose" />
        </span>
      </summary>
      {open && (
        <div class="thinking-body">
          <Shown text={item.text} as="prose" />
        </div>
      )}
    </details>
  );
}

/** A topic this page has no picture for: shown as it is rather than left out. */
function Other({ item }: { item: ItemOf<'other'> }) {
  return (
    <details class="thinking">
      <summary>
        <Icon name="chevron" />
        <span>{item.topic}</span>
      </summary>
      <pre class="code">
        <Shown text={JSON.stringify(item.data, null, 2)} as="file" />
      </pre>
    </details>
  );
}
