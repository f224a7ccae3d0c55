/**
 * Carries an operator's answer to the engine that waits for it. The answer is durable before it is sent, its
 * frame id follows from the approval's, and what was not confirmed is sent again after a host restart.
 */
import type { ApprovalAnswer, ApprovalView } from '../api.ts';
import { messageOf } from '../errors.ts';
import { OPERATOR } from '../principals.ts';
import type { Asked } from '../runs/facts.ts';
import type { Run } from '../runs/run.ts';
import { shortText } from '../text.ts';
import { answerGate, refuseAtGate } from './gate.ts';
import { acceptInjection } from './inject.ts';
import type { By, Wiring } from './wiring.ts';

export function answerApproval(wiring: Wiring, id: string, answer: ApprovalAnswer, by: By): ApprovalView {
  const view = wiring.approvals.answer(id, answer, by);
  wiring.touched(view.agent);
  const run = view.run === null ? null : wiring.runs.byId(view.run);
  if (run !== null) {
    if (view.kind === 'permission') void deliverAnswers(wiring, run);
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
export function tellAnswersSoon(wiring: Wiring, run: Run): void {
  if (run.runtime.capabilities.engine !== 'structured') return;
  wiring.clock.after(FETCH_MS, () => {
    if (run.ended || wiring.closing()) return;
    for (const approval of wiring.approvals.undelivered(run.id)) {
      if (approval.kind !== 'question' || wiring.approvals.awaited(approval.id)) continue;
      const question = shortText(String(approval.detail.question ?? approval.title), 2_000);
      wiring.store.transaction(() => {
        const text = `[aether] The operator answered your question ${approval.id} (${question}): ${approval.answer?.text ?? ''}`;
        acceptInjection(wiring, approval.agent, { text, priority: 'next' }, OPERATOR);
        wiring.approvals.markDelivered(approval.id);
      });
      wiring.deliver(approval.agent);
    }
  });
}

/** Sends what was answered and not confirmed. Harmless to repeat: the shim knows the frames. */
export async function deliverAnswers(wiring: Wiring, run: Run): Promise<void> {
  // Its tool would run: while the agent is held the answer is kept.
  if (wiring.agents.find(run.record.agent)?.hold != null) return;
  for (const approval of wiring.approvals.undelivered(run.id)) {
    if (approval.kind !== 'permission') continue;
    const { requestId, input, gate } = approval.detail as {
      requestId: string;
      input: unknown;
      gate?: boolean;
    };
    if (gate === true) {
      answerGate(wiring, run, approval);
      continue;
    }
    if (run.runtime.permission === undefined) continue;
    try {
      await run.write(
        withId(
          run.runtime.permission({
            requestId,
            allow: approval.answer?.allow === true,
            message: approval.answer?.text ?? null,
            input,
          }),
          `approval-${approval.id}`,
        ),
      );
      wiring.approvals.markDelivered(approval.id);
    } catch (error) {
      wiring.log.warn(
        { approval: approval.id, error: messageOf(error) },
        'an answer could not be delivered yet',
      );
      return;
    }
  }
}

function withId(frame: { id: string; data: string }, id: string): { id: string; data: string } {
  return { ...frame, id };
}

/** Runs to which answers are being sent, and whether there are more since. */
const sending = new WeakMap<Run, { more: boolean }>();

/**
 * A call that could not be taken is answered "no", or its engine would wait for ever. Inside the transaction that
 * saves the journal offset.
 */
export function refuseAsked(wiring: Wiring, run: Run, asked: Asked, why: string): void {
  if (asked.kind === 'gate-asked') {
    refuseAtGate(wiring, run, asked, why);
    return;
  }
  const { requestId, tool, toolUseId } = asked;
  wiring.approvals.refuse(
    {
      kind: 'permission',
      agent: run.record.agent,
      run: run.id,
      request: `${run.id}:${requestId}`,
      title: tool,
      detail: { tool, input: {}, requestId, ...(toolUseId === undefined ? {} : { toolUseId }) },
      otherwise: 'The tool does not run.',
    },
    why,
  );
  const busy = sending.get(run);
  if (busy !== undefined) busy.more = true;
  // Transactions are synchronous: by then it is committed, or there is nothing to send.
  else queueMicrotask(() => void sendRefusals(wiring, run));
}

async function sendRefusals(wiring: Wiring, run: Run): Promise<void> {
  if (sending.has(run)) return;
  const state = { more: true };
  sending.set(run, state);
  try {
    while (state.more && run.connected) {
      state.more = false;
      await deliverAnswers(wiring, run);
    }
  } catch (error) {
    wiring.log.warn({ run: run.id, error: messageOf(error) }, 'a refusal could not be delivered yet');
  } finally {
    sending.delete(run);
  }
}

/** The run is over: whatever it asked to be allowed is not asked any more. */
export function withdrawPermissions(wiring: Wiring, run: Run): void {
  for (const approval of wiring.approvals.openOfRun(run.id)) {
    if (approval.kind === 'permission') wiring.approvals.withdraw(approval.id, 'host');
  }
}
