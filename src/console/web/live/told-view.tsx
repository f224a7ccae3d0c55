/** What was said to the agent, and how far it is known to have come. */
import { exactTimeOf, timeOf } from '../state/clock.ts';
import { Explained } from '../ui/explained.tsx';
import { memo } from '../ui/memo.ts';
import type { ItemOf, Receipt } from './items.ts';
import { Markdown } from './markdown.tsx';

const STAGES: Record<string, string> = {
  queued: 'queued',
  delivered: 'delivered',
  seen: 'seen',
  acted: 'acted on',
  unknown: 'delivery unknown; it is not sent again',
  cancelled: 'cancelled',
};

/** The engine's stream does not say who wrote a message that is no inject: the goal, or somebody at the terminal. */
const WHO: Record<string, (principal: string) => string> = {
  operator: () => 'Operator',
  host: () => 'Prompt',
  agent: () => 'Prompt',
  client: (principal) => principal.slice('client:'.length),
};

export const ToldView = memo(({ item }: { item: ItemOf<'told'> }) => (
  <div class={`told ${item.receipt?.stage === 'queued' ? 'requested' : ''}`}>
    <header>
      <b>
        {item.typed
          ? 'In the terminal'
          : (WHO[item.principal.split(':', 1)[0]!]?.(item.principal) ?? item.principal)}
      </b>
      {item.receipt && <ReceiptLine receipt={item.receipt} />}
    </header>
    <Markdown source={item.text} />
  </div>
));

function ReceiptLine({ receipt }: { receipt: Receipt }) {
  const last = receipt.steps.at(-1)!;
  const tip = receipt.steps
    .map((step) => `${step.stage} ${exactTimeOf(step.at_ms)}${step.evidence ? ` — ${step.evidence}` : ''}`)
    .join('\n');
  const bad = receipt.stage === 'unknown' || receipt.stage === 'cancelled';
  return (
    <Explained class={`receipt ${bad ? 'bad' : ''}`} tip={tip}>
      {STAGES[receipt.stage] ?? receipt.stage} {timeOf(last.at_ms)}
    </Explained>
  );
}
