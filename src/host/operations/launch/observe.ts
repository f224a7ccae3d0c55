/**
 * Turns what a runtime saw into the host's facts: events, activity, approvals, receipts, usage. Runs inside the
 * transaction that saves the journal offset, so each observation counts once however often the host dies.
 */
import type { Activity, ObservedEvent } from '../../../runtimes/runtime.ts';
import type { Evidence } from '../../api.ts';
import type { Topic, Topics } from '../../events/topics.ts';
import { limits } from '../../limits.ts';
import { besideOf, engineHasFloor } from '../../runs/floor.ts';
import { graded } from '../../runs/gaps.ts';
import type { Asked } from '../../runs/journal-facts.ts';
import type { Run } from '../../runs/run.ts';
import { shortText } from '../../text.ts';
import type { AskedCall } from '../gate/question.ts';
import { turnOver } from '../gate/record.ts';
import { dropped, injectionOf, settle, taken } from '../messages/inject.ts';
import { engineActivity, engineSays } from '../turn/activity.ts';
import { goesBy } from '../turn/senders.ts';
import { messageLeft, subagentBegan, subagentEnded, subagentWorks, turnEnded } from '../turn/turn.ts';
import type { Wiring } from '../wiring.ts';

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
  | 'recalls'
  | 'closing'
  | 'touched'
>;

const LAST_CHARS = 160;

type Kind = ObservedEvent['kind'];
type Of<K extends Kind> = Extract<ObservedEvent, { kind: K }>;

/** The run that was observed, and what observations have in common. */
class Observed {
  readonly wiring: Needs;
  readonly run: Run;
  readonly at_ms: number;

  constructor(wiring: Needs, run: Run, at_ms: number) {
    this.wiring = wiring;
    this.run = run;
    this.at_ms = at_ms;
  }

  append<T extends Topic>(topic: T, data: Topics[T], known: Evidence['grade'] = 'observed'): void {
    const { agent, id } = this.run.record;
    const principal = `agent:${agent}` as const;
    const { grade } = graded({ source: 'engine', grade: known }, this.wiring.runs.gaps(agent));
    this.wiring.events.append({ topic, agent, run: id, principal, grade, data });
  }

  /** Two sources may report the same fact. One without a key is always new. */
  isNew(key: string | undefined): boolean {
    return key === undefined || this.wiring.events.firstTime(this.run.id, key);
  }

  activity(activity: Activity, what: string, tool?: string): void {
    engineSays(this.wiring, this.run, { activity, what, at_ms: this.at_ms }, tool);
  }

  /** The one line that `ps` and the fleet show. */
  last(text: string): void {
    this.run.record.last = oneLine(text);
  }

  /** The turn under way has taken up this message. */
  heard(inject: string): void {
    const injection = this.wiring.injections.get(inject);
    if (injection !== null) goesBy(this.wiring, this.run, injection.principal, 'message');
  }
}

const recorders: { [K in Kind]: (observed: Observed, event: Of<K>) => void } = {
  ready(observed) {
    if (engineActivity(observed.run) === 'starting') observed.activity('idle', 'the engine is ready');
  },
  activity: (observed, event) => observed.activity(event.activity, event.evidence, event.tool),
  session,
  message,
  'tool-call'(observed, { toolUseId, tool, input }) {
    if (!observed.isNew(`call:${toolUseId}`)) return;
    observed.append('tool.called', { toolUseId, tool, input }, 'claimed');
    observed.last(callLine(tool, input));
  },
  'tool-result'(observed, event) {
    const { toolUseId, text, isError } = event;
    if (observed.isNew(`result:${toolUseId}`))
      observed.append('tool.finished', { toolUseId, text, isError }, 'claimed');
    // Told again, too: the first may have been printed by a tool, before the call had even asked.
    observed.wiring.gates.of(observed.run).toolAnswered(event, observed.at_ms);
  },
  'gate-asked': ({ wiring, run, at_ms }, event) => wiring.gates.of(run).asked(callOf(event), at_ms),
  'permission-asked'(observed, event) {
    const { wiring, run, at_ms } = observed;
    wiring.gates.of(run).asked(callOf(event), at_ms);
    observed.activity('waiting-for-operator', `asks to use ${event.tool}`, event.tool);
    observed.last(`asks to use ${callLine(event.tool, event.input)}`);
  },
  'gate-withdrawn': ({ wiring, run, at_ms }, { requestId }) =>
    wiring.gates.of(run).left(requestId, 'gate', at_ms),
  'permission-withdrawn': ({ wiring, run, at_ms }, { requestId }) =>
    wiring.gates.of(run).left(requestId, 'permission', at_ms),
  'recall-asked': ({ wiring, run, at_ms }, event) => wiring.recalls.asked(run, event, at_ms),
  subagent,
  inject(observed, { injectId: frame, stage, evidence }) {
    const { wiring, run } = observed;
    const injectId = injectionOf(frame);
    if (stage === 'taken') taken(wiring, run, injectId);
    else if (stage === 'dropped') dropped(wiring, run, injectId, evidence);
    else settle(wiring, injectId, stage, evidence);
    if (stage === 'seen' || stage === 'acted') messageLeft(run.record.turn, injectId, 'read');
    if (stage === 'seen') observed.heard(injectId);
  },
  'turn-ended': turnIsOver,
  interrupted: (observed, { requestId }) => observed.append('turn.interrupted', { request: requestId }),
  'mcp-status': mcpStatus,
  usage,
  retrying(observed, { attempt, delay_ms, why }) {
    observed.append('engine.retrying', { attempt, delay_ms, why });
    observed.last(`retry ${attempt}: ${why}`);
  },
  note: (observed, { level, text }) => observed.append('engine.note', { level, text }),
};

export function recordObserved(wiring: Needs, run: Run, event: ObservedEvent, at_ms: number): void {
  // A kind and its event belong together, which an index by a union cannot say.
  const record = recorders[event.kind] as (observed: Observed, event: ObservedEvent) => void;
  record(new Observed(wiring, run, at_ms), event);
}

function session({ wiring, run }: Observed, event: Of<'session'>): void {
  const { record } = run;
  if (record.engine.session !== event.session) record.engine = { ...record.engine, session: event.session };
  wiring.agents.change(record.agent, (agent) => {
    agent.engine = { ...agent.engine, session: event.session };
  });
}

function message(observed: Observed, { key, role, text, injectId: frame, thinking }: Of<'message'>): void {
  if (!observed.isNew(key && `message:${key}`)) return;
  const injectId = frame === undefined ? undefined : injectionOf(frame);
  const byHand = role === 'user' && injectId === undefined && isTyped(observed.run);
  observed.append(`message.${role}`, {
    text,
    ...(injectId === undefined ? {} : { injectId }),
    ...(thinking ? { thinking: true } : {}),
    ...(byHand ? { typed: true } : {}),
  });
  if (injectId !== undefined) observed.heard(injectId);
  if (role === 'user') observed.wiring.recalls.told(observed.run, text);
  if (!thinking) observed.last(role === 'user' ? `› ${text}` : text);
}

/** A person has a terminal of it, instead of the engine or beside it. */
function isTyped({ record: { floor } }: Run): boolean {
  return !engineHasFloor(floor) || besideOf(floor, 'terminal') !== null;
}

function subagent(observed: Observed, event: Of<'subagent'>): void {
  const { id, phase, tokens, outcome } = event;
  const { turn } = observed.run.record;
  if (phase === 'began') {
    const label = cut(event.label, limits.subagent_label_chars_max) ?? null;
    const task = cut(event.task, limits.subagent_task_chars_max);
    const said = task === undefined ? {} : { task };
    if (subagentBegan(turn, { id, label, since_ms: observed.at_ms, ...said }))
      observed.append('subagent.began', { subagent: id, label, ...said });
    return;
  }
  subagentWorks(turn, id, tokens);
  if (phase === 'working') return;
  const known = subagentEnded(turn, id);
  if (known === null) return;
  observed.append('subagent.ended', {
    subagent: id,
    label: known.label,
    ran_ms: Math.max(0, observed.at_ms - known.since_ms),
    ...(known.tokens === undefined ? {} : { tokens: known.tokens }),
    ...(outcome === undefined ? {} : { outcome }),
  });
}

const cut = (text: string | undefined, chars_max: number): string | undefined =>
  text === undefined || text === '' ? undefined : shortText(text, chars_max);

function turnIsOver(observed: Observed, { outcome, text }: Of<'turn-ended'>): void {
  const { record } = observed.run;
  observed.append('turn.ended', { outcome, ...(text === undefined ? {} : { text }) });
  turnEnded(record.turn, outcome);
  turnOver(record.gate, outcome);
  observed.activity('idle', `the turn ended: ${outcome}`);
  if (outcome === 'failed') observed.last(`failed: ${text ?? 'the turn failed'}`);
}

function mcpStatus(observed: Observed, { servers }: Of<'mcp-status'>): void {
  observed.append('mcp.status', { servers });
  for (const { name, status } of servers) {
    if (name !== 'aether' || status === 'connected' || status === 'pending') continue;
    const text = `The engine reports its aether tools as "${status}": it works without memory and mail.`;
    observed.append('engine.note', { level: 'error', text });
  }
}

function usage(observed: Observed, { kind: _kind, ...used }: Of<'usage'>): void {
  if (!observed.isNew(used.key && `usage:${used.key}`)) return;
  const { record } = observed.run;
  const input_tokens = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens;
  record.input_tokens = added(record.input_tokens, input_tokens);
  record.output_tokens = added(record.output_tokens, used.output_tokens);
  if (used.cost_usd !== null) record.cost_usd = (record.cost_usd ?? 0) + used.cost_usd;
  observed.append('usage.recorded', used, 'claimed');
}

/** Both stages of one channel: at the gate, and where the engine's own rules want a person asked. */
export function callOf(event: Asked): AskedCall {
  const { requestId, tool, input, toolUseId = null } = event;
  const stage = event.kind === 'gate-asked' ? 'gate' : 'permission';
  const { subagent, cwd } = event.kind === 'gate-asked' ? event : {};
  const more = { ...(subagent === undefined ? {} : { subagent }), ...(cwd === undefined ? {} : { cwd }) };
  return { requestId, stage, tool, input, toolUseId, ...more };
}

const added = (sum: number, more: number): number => Math.min(sum + more, limits.run_tokens_max);

/** A call as people speak of it: the tool, and the first thing it was given, which says what it is about. */
function callLine(tool: string, input: unknown): string {
  const given = typeof input === 'object' && input !== null ? Object.values(input) : [input];
  const about = given.find((value) => typeof value === 'string' && value.trim() !== '');
  const name = tool.replace(/^mcp__aether__/, '');
  // The earlier question, waited for again: its id says nothing to a person.
  if (name === 'aether_ask_operator' && given.length > 0 && !Object.hasOwn(Object(input), 'question'))
    return `${name}: still waits for the answer`;
  if (about !== undefined) return `${name}: ${String(about)}`;
  return given.length === 0 || input === undefined ? name : `${name} ${JSON.stringify(input)}`;
}

/** For one line of a table: no line breaks, no control characters, bounded. */
function oneLine(text: string): string {
  // A look at all of a long text would cost more than the rest of what is done with it.
  const flat = text
    .trimStart()
    .slice(0, 4 * LAST_CHARS)
    .replace(/[\u0000-\u001f\u007f\s]+/g, ' ')
    .trim();
  return shortText(flat, LAST_CHARS);
}
