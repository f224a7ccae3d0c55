/**
 * Delivers the answer of an operator: to the gate at which a tool call waits, or to the agent that asked. The answer is
 * durable before it is sent.
 */
import type { ApprovalAnswer, ApprovalView } from '../../api.ts';
import type { Run } from '../../runs/run.ts';
import { shortText } from '../../text.ts';
import { acceptInjection } from '../messages/inject.ts';
import { answerNote } from '../notes.ts';
import type { By, Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'injections'
  | 'leases'
  | 'approvals'
  | 'gates'
  | 'deliver'
  | 'closing'
  | 'touched'
>;

export function answerApproval(wiring: Needs, id: string, answer: ApprovalAnswer, by: By): ApprovalView {
  const view = wiring.approvals.answer(id, answer, by);
  wiring.touched(view.agent);
  const run = view.run === null ? null : wiring.runs.byId(view.run);
  if (run !== null) {
    if (view.kind === 'permission') wiring.gates.of(run).answered(view);
    else tellAnswersSoon(wiring, run);
  }
  return view;
}

/** An agent that still waits fetches its answer within this. */
const FETCH_MS = 4_000;

/**
 * A question whose asker has stopped waiting (its turn ended with "pending") would be answered into the void:
 * then the answer is sent as a message. An answer that was fetched meanwhile is marked delivered and not sent.
 */
export function tellAnswersSoon(wiring: Needs, run: Run): void {
  if (run.runtime.capabilities.engine !== 'structured') return;
  wiring.clock.after(FETCH_MS, () => {
    if (run.ended || wiring.closing()) return;
    for (const approval of wiring.approvals.undelivered(run.id)) {
      if (approval.kind !== 'question' || wiring.approvals.awaited(approval.id)) continue;
      const question = shortText(String(approval.detail.question ?? approval.title), 2_000);
      wiring.store.transaction(() => {
        const text = answerNote(approval.id, question, approval.answer?.text ?? '');
        // In the host's name: the turn in which it was asked is gone on with, by the same words.
        acceptInjection(wiring, approval.agent, { text, priority: 'next' }, 'host');
        wiring.approvals.markDelivered(approval.id);
      });
      wiring.deliver(approval.agent);
    }
  });
}

/** The run is over: whatever it asked to be allowed is not asked any more. */
export function withdrawPermissions(wiring: Needs, run: Run): void {
  for (const approval of wiring.approvals.openOfRun(run.id)) {
    if (approval.kind === 'permission') wiring.approvals.withdraw(approval.id, 'host');
  }
}
