/**
 * Which senders a conversation follows besides the operator: those of messages it was given, of mail it has read and of
 * memories it has found. Text stays where it was read, so this lasts as long as the conversation does, whichever process
 * has it: through turns, takeovers, restarts of the engine and of the host.
 */
import type { Caller, MemoryView, MessageView, Principal } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { isOperator } from '../../principals.ts';
import type { Run } from '../../runs/run.ts';
import type { By, Wiring } from '../wiring.ts';
import { goByWordsOf, trustWordsOf } from './turn.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'events' | 'runs' | 'touched'>;

type Way = 'message' | 'mail' | 'memory';

/** From now on the conversation follows this sender too. Only where turns are known. */
export function goesBy(wiring: Needs, run: Run, sender: Principal, by: Way): void {
  const { turn, agent } = run.record;
  if (isOperator(sender) || sender === 'host' || sender === `agent:${agent}`) return;
  if (run.runtime.capabilities.gate === undefined || !goByWordsOf(turn, sender)) return;
  wiring.events.append({
    topic: 'authority.narrowed',
    agent,
    run: run.id,
    principal: 'host',
    grade: 'enforced',
    data: { sender, by },
  });
  wiring.touched(agent);
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
  followAll(wiring, caller, messages.flatMap(wordsOf), 'mail');
}

/** An agent has found these: it follows their authors, and those that an author followed when storing one. */
export function goesByMemory(wiring: Needs, caller: Caller, memories: readonly MemoryView[]): void {
  const senders = memories.flatMap(({ author, via = [] }) => [author, ...via]);
  followAll(wiring, caller, senders, 'memory');
}

function followAll(wiring: Needs, caller: Caller, senders: readonly Principal[], by: Way): void {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  if (run === null || run.ended) return;
  const others = [...new Set(senders)].filter((sender) => sender !== caller.principal);
  if (others.length === 0) return;
  run.save(() => {
    for (const sender of others) goesBy(wiring, run, sender, by);
  });
}

/** The senders that a caller follows now: none, unless it is an agent whose conversation messages, mail or memories have led to. */
export function sendersOf(wiring: Needs, caller: Caller): Principal[] {
  const run = caller.run === null ? null : wiring.runs.byId(caller.run);
  return run?.record.turn.senders ?? [];
}

/**
 * The operator trusts what these senders have said in the conversation so far; what they say from now on narrows it again.
 * @param senders default: all that are followed
 * @throws AetherError `authority.not-narrowed` where none of them is followed
 */
export function widen(wiring: Needs, run: Run, senders: readonly Principal[] | undefined, by: By): void {
  const { agent } = run.record;
  let trusted: Principal[] = [];
  run.save(({ turn }) => {
    trusted = trustWordsOf(turn, senders ?? turn.senders);
    if (trusted.length === 0) return;
    wiring.events.append({
      topic: 'authority.widened',
      agent,
      run: run.id,
      principal: by,
      grade: 'enforced',
      data: { senders: trusted },
    });
  });
  wiring.touched(agent);
  if (trusted.length > 0) return;
  throw new AetherError({
    code: 'authority.not-narrowed',
    who: 'user',
    message: `The conversation of ${agent} does not follow ${(senders ?? []).join(', ') || 'any other sender'}.`,
    next: '`aether ps` says which senders an agent follows.',
  });
}
