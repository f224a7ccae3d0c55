/** What a hand may do. Each action carries what the operator saw, so that a stale click is refused. */
import type {
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  Basis,
  Changes,
  HandbackBody,
  InjectBody,
  LeaseView,
  MessageView,
  TakeoverBody,
} from '../../wire.ts';
import { showDone, showError } from '../ui/toasts.tsx';
import { get, post, wireOf } from './api.ts';
import { forgetKey } from './key.ts';
import { ANSWERED_MAX, agents, answered, approvals, busy, connection, mail } from './store.ts';

function basisOf(agent: AgentView): Basis {
  return {
    run: agent.run,
    state: agent.state,
    lease: agent.lease?.generation ?? null,
    stands: { hold_ms: agent.hold?.since_ms ?? null, paused: agent.activity === 'paused' },
  };
}

/** @returns null when it was refused; the operator has then been told. */
async function act<T>(key: string, work: () => Promise<T>): Promise<T | null> {
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

const pathOf = (agent: string, verb: string): string => `/api/agents/${encodeURIComponent(agent)}/${verb}`;

function seen(view: AgentView): void {
  agents.value = new Map(agents.value).set(view.name, view);
}

export type SimpleVerb = 'start' | 'stop' | 'kill' | 'restart' | 'interrupt' | 'hold' | 'pause' | 'resume';

/** Based on `agent` as it is given here: what was confirmed is what was read. */
export async function command(verb: SimpleVerb, agent: AgentView): Promise<void> {
  const view = await act(`${verb} ${agent.name}`, () =>
    post<AgentView>(pathOf(agent.name, verb), { basis: basisOf(agent) }),
  );
  if (view) seen(view);
}

/**
 * The answer comes once the terminal is up, or cannot be; meanwhile the lease is shown as requested.
 * @returns true when it is held
 */
export async function takeOver(
  agent: AgentView,
  when: TakeoverBody['when'],
  size: { cols: number; rows: number },
): Promise<boolean> {
  const body: TakeoverBody = { basis: basisOf(agent), when, ...size };
  // Asking again, for "now", is another action than the one that still waits.
  const again = agent.lease === null ? '' : ' now';
  const path = pathOf(agent.name, 'takeover');
  return (await act(`takeover${again} ${agent.name}`, () => post<LeaseView>(path, body))) !== null;
}

export async function handBack(agent: AgentView, note: string, held: boolean): Promise<boolean> {
  const body: HandbackBody = { basis: basisOf(agent), held, ...(note === '' ? {} : { note }) };
  const view = await act(`handback ${agent.name}`, () =>
    post<AgentView>(pathOf(agent.name, 'handback'), body),
  );
  if (view) seen(view);
  return view !== null;
}

export async function inject(
  agent: AgentView,
  text: string,
  priority: InjectBody['priority'],
  id: string,
): Promise<boolean> {
  const body: InjectBody = { basis: basisOf(agent), id, text, priority };
  return (await act(`inject ${agent.name}`, () => post(pathOf(agent.name, 'inject'), body))) !== null;
}

/** What becomes of the message is told by its receipt. */
export async function takeBack(agent: string, injection: string): Promise<void> {
  const path = `${pathOf(agent, 'injections')}/${encodeURIComponent(injection)}/cancel`;
  await act(`cancel ${injection}`, () => post(path, {}));
}

/** Null where it cannot be told: then nothing is said of it. */
export async function changesOf(agent: string): Promise<Changes['changes']> {
  const answer = await act(`changes ${agent}`, () => get<Changes>(pathOf(agent, 'changes')));
  return answer?.changes ?? null;
}

export async function answer(approval: ApprovalView, given: ApprovalAnswer): Promise<void> {
  const result = await act(`answer ${approval.id}`, () =>
    post<ApprovalView>(`/api/approvals/${encodeURIComponent(approval.id)}/answer`, given),
  );
  if (!result) return;
  const how = given.allow === undefined ? `“${given.text}”` : given.allow ? 'Allowed' : 'Denied';
  answered.value = [{ approval: result, how }, ...answered.value].slice(0, ANSWERED_MAX);
  approvals.value = approvals.value.filter((open) => open.id !== approval.id);
}

export async function acknowledge(message: MessageView): Promise<void> {
  const { id } = message;
  if ((await act(`mail ${id}`, () => post('/api/mail/ack', { ids: [id] }))) === null) return;
  // The list comes anew from the host; this one is gone at once, and only once.
  const messages = mail.value.messages.filter((one) => one.id !== id);
  const gone = mail.value.messages.length - messages.length;
  mail.value = { messages, unread: mail.value.unread - gone };
}

export async function applyConfig(): Promise<void> {
  if (await act('apply', () => post('/api/apply', {}))) showDone('The configuration is applied.');
}

export async function signOut(): Promise<void> {
  if ((await act('sign-out', () => post('/api/sign-out', {}))) === null) return;
  forgetKey();
  connection.value = { phase: 'signed-out' };
}
