/** A tool call: one line that opens into what was asked and what came back. */
import { useState } from 'preact/hooks';
import { countChanges } from '../../../host/shown/diff.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import { showInput, toolLine } from '../../../host/shown/tool-line.ts';
import { age, exactTimeOf, now } from '../state/clock.ts';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.ts';
import { ScrollText } from '../ui/scroll-text.tsx';
import { Shown } from '../ui/shown.tsx';
import { DeedBody } from './deed-view.tsx';
import { DiffView } from './diff-view.tsx';
import type { ItemOf } from './items.ts';

/** Small edits are shown without asking. */
const OPEN_CHANGES_MAX = 12;

export const ToolView = memo(({ item }: { item: ItemOf<'tool'> }) => {
  const line = toolLine(item.tool, item.input);
  const changes = line.diff ? countChanges(line.diff) : null;
  const small = changes !== null && changes.added + changes.removed <= OPEN_CHANGES_MAX;
  const [open, setOpen] = useState(small || item.deed !== null);
  const failed = item.result?.isError === true;
  const preview = failed && !open ? item.result!.text.trim().split('\n', 1)[0] : '';
  return (
    <details
      class={`tool ${failed ? 'failed' : ''} ${item.result ? '' : 'running'}`}
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary data-tip={`${item.grade} · called ${exactTimeOf(item.at_ms)}`}>
        <Icon name="chevron" />
        <span class="tool-name">
          <Shown text={line.name} as="code" />
        </span>
        <span class="tool-target">
          <Shown text={line.target} as="code" />
        </span>
        {changes && (
          <span class="changes">
            {changes.added > 0 && <span class="plus">+{changes.added}</span>}
            {changes.removed > 0 && <span class="minus">−{changes.removed}</span>}
          </span>
        )}
        <ToolStatus item={item} />
        {preview && <span class="tool-preview">{plainLine(preview ?? '', 'file', 300)}</span>}
      </summary>
      {open && (
        <div class="tool-body">
          {item.deed ? (
            <DeedBody deed={item.deed} />
          ) : line.diff ? (
            <DiffView lines={line.diff} />
          ) : line.body?.kind === 'shell' ? (
            line.body.text.includes('\n') && (
              <ScrollText class="command" label="Command" text={line.body.text} />
            )
          ) : (
            <ScrollText label="Arguments" text={line.body?.text || showInput(item.input)} />
          )}
          {item.result && (failed || !(line.diff || item.deed)) && (
            <ScrollText
              class={failed ? 'failed' : ''}
              label="Result"
              output
              text={item.result.text || 'no output'}
            />
          )}
        </div>
      )}
    </details>
  );
});

function ToolStatus({ item }: { item: ItemOf<'tool'> }) {
  if (!item.result) return <span class="tool-status">{age(item.at_ms, now.value)}…</span>;
  const took_ms = item.result.at_ms - item.at_ms;
  const took = took_ms < 1_000 ? '' : age(item.at_ms, item.result.at_ms);
  if (item.result.isError) return <span class="tool-status bad">failed {took}</span>;
  return <span class="tool-status">{took}</span>;
}
