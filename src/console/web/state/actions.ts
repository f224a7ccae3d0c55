/** The actions of the page. Each carries what the operator saw, so that the host refuses a stale click. */
import type {
  AgentBasis,
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  CallName,
  Calls,
  InjectionView,
  MessageView,
} from '../../console-protocol.ts';
import { showDone, showError } from '../ui/toasts.tsx';
import { call, wireOf } from './api.ts';
import { sendSignOut } from './link.ts';
import { NOT_SIGNED_IN } from './proven-socket.ts';
import { forgetSession } from './session.ts';
import { ANSWERED_MAX, agents, answered, approvals, busy, connection, mail } from './store.ts';

function basisOf(agent: AgentView): AgentBasis {
  return {
    run: agent.run,
    state: agent.state,
    lease: agent.lease?.generation ?? null,
    stands: { hold_ms: agent.hold?.since_ms ?? null, paused: agent.activity === 'paused' },
  };
}

/** @returns null when it was refused; the operator has then been told. */
export async function act<T>(key: string, work: () => Promise<T>): Promise<T | null> {
  if (busy.value.has(key)) return null;
  busy.value = new Set([...busy.value, key]);
  try {
    return await work();
  } catch (error) {
    showError(wireOf(error));
    return null;
  } finally {
    const rest = new Set(busy.value);
    rest.delete(key);
    busy.value = rest;
  }
}

function seen(view: AgentView): void {
  agents.value = new Map(agents.value).set(view.name, view);
}

/** Verbs that need nothing but the agent, and answer with it. */
type SimpleVerb = {
  [N in CallName]: { agent: string } extends Calls[N]['input']
    ? Calls[N]['output'] extends AgentView
      ? N
      : never
    : never;
}[CallName];

/** Based on `agent` as it is given here: what was confirmed is what was read. */
export async function command<V extends SimpleVerb>(
  verb: V,
  agent: AgentView,
  more: Omit<Calls[V]['input'], 'agent'> = {} as Omit<Calls[V]['input'], 'agent'>,
): Promise<void> {
  const input = { ...more, agent: agent.name } as Calls[V]['input'];
  const view = await act(`${verb} ${agent.name}`, () => call(verb, input, basisOf(agent)));
  if (view) seen(view);
}

/**
 * The answer comes once the terminal is up, or cannot be; meanwhile the lease is shown as requested.
 * @returns true when it is held
 */
export async function takeOver(
  agent: AgentView,
  when: Calls['takeover']['input']['when'],
  size: { cols: number; rows: number },
): Promise<boolean> {
  const input = { agent: agent.name, when, ...size };
  // Asking again, for "now", is another action than the one that still waits.
  const again = agent.lease === null ? '' : ' now';
  const lease = await act(`takeover${again} ${agent.name}`, () => call('takeover', input, basisOf(agent)));
  return lease !== null;
}

export async function handBack(agent: AgentView, note: string, held: boolean): Promise<boolean> {
  const basis = basisOf(agent);
  // Without a lease the basis is refused: it was handed back.
  const input = { agent: agent.name, generation: basis.lease ?? 0, held, ...(note === '' ? {} : { note }) };
  const view = await act(`handback ${agent.name}`, () => call('handback', input, basis));
  if (view) seen(view);
  return view !== null;
}

/** @param id chosen here: sending again with the same id sends nothing twice */
export async function inject(
  agent: AgentView,
  text: string,
  priority: InjectionView['priority'],
  id: string,
): Promise<boolean> {
  const input = { agent: agent.name, id, text, priority };
  return (await act(`inject ${agent.name}`, () => call('inject', input, basisOf(agent)))) !== null;
}

/** The receipt of the message shows its delivery. */
export async function takeBack(id: string): Promise<void> {
  await act(`cancel ${id}`, () => call('cancelInjection', { id }));
}

/** Null where it is not known: then nothing is shown. */
export function changesOf(agent: string): Promise<Calls['changes']['output']> {
  return act(`changes ${agent}`, () => call('changes', { agent }));
}

export async function answer(approval: ApprovalView, given: ApprovalAnswer): Promise<void> {
  const { id } = approval;
  const result = await act(`answer ${id}`, () => call('answerApproval', { id, ...given }));
  if (!result) return;
  const how = given.allow === undefined ? `“${given.text}”` : given.allow ? 'Allowed' : 'Denied';
  answered.value = [{ approval: result, how }, ...answered.value].slice(0, ANSWERED_MAX);
  approvals.value = approvals.value.filter((open) => open.id !== approval.id);
}

export async function acknowledge(message: MessageView): Promise<void> {
  const { id } = message;
  if ((await act(`mail ${id}`, () => call('ackOperatorMail', { ids: [id] }))) === null) return;
  // The list comes again from the host; this one is gone at once, and only once.
  const messages = mail.value.messages.filter((one) => one.id !== id);
  const gone = mail.value.messages.length - messages.length;
  mail.value = { messages, unread: mail.value.unread - gone };
}

export async function applyConfig(): Promise<void> {
  if (await act('apply', () => call('apply', {}))) showDone('The configuration is applied.');
}

export function signOut(): void {
  sendSignOut();
  forgetSession();
  connection.value = { phase: 'signed-out', error: NOT_SIGNED_IN };
}
