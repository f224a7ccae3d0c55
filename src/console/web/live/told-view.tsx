/** What was said to the agent, and how far it is known to have come. */
import { memo } from '../ui/memo.ts';
import type { ItemOf } from './items.ts';
import { Markdown } from './markdown.tsx';
import { ReceiptView } from './receipt-view.tsx';

const WHEN: Record<string, string> = { now: 'to be read now', later: 'for a turn of its own' };

/** The engine's stream does not say who wrote a message that is no inject: the goal, or somebody at the terminal. */
const WHO: Record<string, (principal: string) => string> = {
  operator: () => 'Operator',
  host: () => 'Prompt',
  agent: () => 'Prompt',
  client: (principal) => principal.slice('client:'.length),
};

export const ToldView = memo(({ item, agent }: { item: ItemOf<'told'>; agent: string }) => (
  <div class={`told ${item.receipt?.stage ?? ''}`}>
    <header>
      <b>
        {item.typed
          ? 'In the terminal'
          : (WHO[item.principal.split(':', 1)[0]!]?.(item.principal) ?? item.principal)}
      </b>
      {item.receipt && <span class="faint">{WHEN[item.receipt.priority] ?? ''}</span>}
    </header>
    <Markdown source={item.text} />
    {item.receipt && <ReceiptView receipt={item.receipt} agent={agent} />}
  </div>
));
