/** The receipt of one message: its stages in a row, and on opening the time and the evidence of each. */

import { duration } from '../../../host/events/duration.ts';
import type { AgentView } from '../../console-protocol.ts';
import { takeBack } from '../state/actions.ts';
import { exactTimeOf, secondOf } from '../state/clock.ts';
import { agents, busy } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import type { Receipt } from './items.ts';
import { mayBeTakenBack, type Stage, stagesOf, waitsFor } from './receipt.ts';

export function ReceiptView({ receipt, agent: name }: { receipt: Receipt; agent: string }) {
  const agent = agents.value.get(name);
  const farthest = agent?.can.receipts ?? 'acted';
  const stages = stagesOf(receipt, farthest);
  const last = stages.findLast(({ at_ms }) => at_ms !== null);
  return (
    <div class="receipt-line">
      <details class="receipt">
        <summary aria-label={`Receipt: ${last?.word ?? 'unknown'}`}>
          <Icon name="chevron" />
          {stages.map((stage) => (
            <span key={stage.word} class={`stage ${stage.state}`}>
              {stage.word}
              {stage === last && stage.at_ms !== null && ` ${secondOf(stage.at_ms)}`}
            </span>
          ))}
        </summary>
        <Steps stages={stages} farthest={farthest} />
      </details>
      {agent && receipt.stage === 'queued' && waitsFor(agent) && (
        <span class="faint">read once {waitsFor(agent)}</span>
      )}
      {mayBeTakenBack(receipt, farthest) && (
        <Button
          label="Take back"
          tone="quiet"
          tip="Possible while it is unread."
          busy={busy.value.has(`cancel ${receipt.inject}`)}
          onPress={() => void takeBack(receipt.inject)}
        />
      )}
      {receipt.stage === 'unknown' && (
        <p class="fate">
          Whether it was read is not known: {last?.evidence}. It is not sent again automatically; send it
          again if it matters.
        </p>
      )}
    </div>
  );
}

function Steps({ stages, farthest }: { stages: Stage[]; farthest: AgentView['can']['receipts'] }) {
  let before: number | null = null;
  const rows = stages.map((stage) => {
    const took = stage.at_ms !== null && before !== null ? stage.at_ms - before : null;
    before = stage.at_ms ?? before;
    return { ...stage, took };
  });
  return (
    <ol class="steps">
      {rows.map((stage) => (
        <li key={stage.word} class={stage.state}>
          <b>{stage.word}</b>
          {stage.at_ms === null ? (
            <span>{stage.state === 'passed' ? 'passed: a later stage is proven' : 'not yet'}</span>
          ) : (
            <span>
              <time title={exactTimeOf(stage.at_ms)}>{secondOf(stage.at_ms)}</time>
              {stage.took !== null && ` · ${duration(stage.took)} later`}
              {stage.evidence && ` · ${stage.evidence}`}
            </span>
          )}
        </li>
      ))}
      {farthest === 'delivered' && <li>It is typed into a terminal; whether it is read is not known.</li>}
    </ol>
  );
}
