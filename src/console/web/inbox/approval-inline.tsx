/** The same question in the conversation; once it is answered, one line about how. */
import { useComputed } from '@preact/signals';
import { plainLine } from '../../../host/shown/plain.ts';
import { toolLine } from '../../../host/shown/tool-line.ts';
import type { ItemOf } from '../live/items.ts';
import { approvals } from '../state/store.ts';
import { Icon } from '../ui/icon.tsx';
import { ApprovalCard } from './approval-card.tsx';

export function ApprovalInline({ item }: { item: ItemOf<'approval'>; agent: string }) {
  const open = useComputed(() => approvals.value.find((approval) => approval.id === item.approval) ?? null);
  if (open.value && item.state === 'open') return <ApprovalCard approval={open.value} where="live" />;
  const allowed = item.answer?.allow;
  const verdict =
    item.state === 'withdrawn'
      ? 'No longer asked'
      : item.state === 'open'
        ? 'Asked'
        : allowed === true
          ? 'Allowed'
          : allowed === false
            ? 'Denied'
            : 'Answered';
  const asked =
    item.ask === 'question'
      ? String(item.detail.question ?? item.title)
      : (() => {
          const line = toolLine(String(item.detail.tool ?? item.title), item.detail.input);
          return `${line.name} ${line.target}`;
        })();
  return (
    <p class={`verdict ${allowed === true ? 'yes' : allowed === false ? 'no' : ''}`}>
      <Icon name={allowed === false ? 'cross' : item.state === 'answered' ? 'check' : 'ask'} />
      <span>
        <b>{verdict}</b>
        {item.by ? ` by ${item.by}` : ''}: <span class="mono">{plainLine(asked, 'code', 400)}</span>
        {item.answer?.text ? <q>{item.answer.text}</q> : null}
      </span>
    </p>
  );
}
