/** Which senders a turn follows besides the operator: those of messages it was given and of mail it has read. */
import type { Caller, MessageView, Principal } from '../../api.ts';
import { isOperator } from '../../principals.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';
import { goByWordsOf } from './turn.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'events' | 'runs'>;

/** From now on the conversation follows this sender too, until the operator's next message. Only where turns are known, and while no person holds the terminal. */
export function goesBy(wiring: Needs, run: Run, sender: Principal, by: 'message' | 'mail'): void {
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
 * @param wordsOf the senders behind each message: its own, and those that its sender followed when sending it
 */
export function goesByMail(
  wiring: Needs,
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

/** The senders that a caller follows now: none, unless it is an agent in a turn that messages or mail have led to. */
export function sendersOf(wiring: Needs, caller: Caller): Principal[] {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  return run?.record.turn.senders ?? [];
}
