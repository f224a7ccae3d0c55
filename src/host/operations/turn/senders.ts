/** Whose words a conversation goes by, beside the operator's: messages that were taken up, mail that was read. */
import type { Caller, MessageView, Principal } from '../../api.ts';
import { isOperator } from '../../principals.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';
import { goByWordsOf } from './turn.ts';

/** From now on the conversation goes by these words too, until the operator's next message. Only where a turn is known, and while no human holds it. */
export function goesBy(wiring: Wiring, run: Run, sender: Principal, by: 'message' | 'mail'): void {
  const { floor, turn, agent } = run.record;
  if (isOperator(sender) || sender === 'host' || sender === `agent:${agent}`) return;
  if (run.runtime.capabilities.gate === undefined || !engineHasFloor(floor)) return;
  if (!goByWordsOf(turn, sender)) return;
  wiring.events.append({
    topic: 'authority.narrowed',
    agent,
    run: run.id,
    principal: 'host',
    grade: 'enforced',
    data: { sender, by },
  });
}

/**
 * An agent has read these in its inbox.
 * @param wordsOf by whose words each was sent: what is passed on goes by the words of all who passed it
 */
export function goesByMail(
  wiring: Wiring,
  caller: Caller,
  messages: MessageView[],
  wordsOf: (message: MessageView) => Principal[],
): void {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  if (run === null || run.ended || messages.length === 0) return;
  run.save(() => {
    for (const message of messages)
      for (const sender of wordsOf(message)) goesBy(wiring, run, sender, 'mail');
  });
}

/** By whose words a caller goes now: none but their own, unless it is an agent in a turn that was led to. */
export function sendersOf(wiring: Wiring, caller: Caller): Principal[] {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  return run?.record.turn.senders ?? [];
}
