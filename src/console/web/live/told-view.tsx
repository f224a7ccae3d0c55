/** A message to the agent, and the stages of its delivery. */
import { memo } from '../ui/memo.ts';
import type { ItemOf } from './items.ts';
import { Markdown } from './markdown.tsx';
import { ReceiptView } from './receipt-view.tsx';

const WHEN: Record<string, string> = { now: 'to be read now', later: 'for a turn of its own' };

function whoseWords({ typed, receipt, principal }: ItemOf<'told'>): string {
  if (typed) return 'In the terminal';
  if (principal === 'operator' || principal.startsWith('operator:')) return 'Operator';
  if (principal.startsWith('client:')) return principal.slice('client:'.length);
  // The engine's stream does not say who wrote a message that is no inject: the goal, as a rule.
  return receipt && principal === 'host' ? 'Aether' : 'Prompt';
}

export const ToldView = memo(({ item, agent }: { item: ItemOf<'told'>; agent: string }) => (
  <div class={`told ${item.receipt?.stage ?? ''}`}>
    <header>
      <b>{whoseWords(item)}</b>
      {item.receipt && <span class="faint">{WHEN[item.receipt.priority] ?? ''}</span>}
    </header>
    <Markdown source={item.text} />
    {item.receipt && <ReceiptView receipt={item.receipt} agent={agent} />}
  </div>
));
