/**
 * Turns what a runtime saw into the host's facts: events, activity, approvals, receipts, usage. Runs inside the
 * transaction that saves the journal offset, so each observation counts once however often the host dies.
 */
import type { ObservedEvent } from '../../runtimes/runtime.ts';
import type { Evidence } from '../api.ts';
import type { Topic, Topics } from '../events/topics.ts';
import { limits } from '../limits.ts';
import type { Asked } from '../runs/facts.ts';
import { engineHasFloor } from '../runs/floor.ts';
import type { Run } from '../runs/run.ts';
import { shortText } from '../text.ts';
import type { AskedCall } from './gate/question.ts';
import { turnOver } from './gate/record.ts';
import { settle } from './inject.ts';
import { engineActivity, engineSays } from './turn/activity.ts';
import { goesBy } from './turn/senders.ts';
import { turnEnded } from './turn/turn.ts';
import type { Wiring } from './wiring.ts';

const LAST_CHARS = 160;

export function recordObserved(wiring: Wiring, run: Run, event: ObservedEvent, at_ms: number): void {
  const { record } = run;
  const append = <T extends Topic>(topic: T, data: Topics[T], grade: Evidence['grade'] = 'observed') =>
    wiring.events.append({
      topic,
      agent: record.agent,
      run: record.id,
      principal: `agent:${record.agent}`,
      grade,
      data,
    });
  const once = (key: string | undefined) => key === undefined || wiring.events.firstTime(record.id, key);
  const activity = (value: NonNullable<typeof record.activity>, what: string, tool?: string) =>
    engineSays(wiring, run, { activity: value, what, at_ms }, tool);

  switch (event.kind) {
    case 'ready':
      if (engineActivity(run) === 'starting') activity('idle', 'the engine is ready');
      return;
    case 'activity':
      activity(event.activity, event.evidence, event.tool);
      return;
    case 'session':
      if (record.engine.session !== event.session)
        record.engine = { ...record.engine, session: event.session };
      wiring.agents.change(record.agent, (agent) => {
        agent.engine = { ...agent.engine, session: event.session };
      });
      return;
    case 'message':
      if (!once(event.key && `message:${event.key}`)) return;
      append(`message.${event.role}`, {
        text: event.text,
        ...(event.injectId === undefined ? {} : { injectId: event.injectId }),
        ...(event.thinking ? { thinking: true } : {}),
        ...(!engineHasFloor(record.floor) && event.role === 'user' ? { typed: true } : {}),
      });
      if (event.injectId !== undefined) heard(wiring, run, event.injectId);
      if (!event.thinking) record.last = oneLine(event.role === 'user' ? `› ${event.text}` : event.text);
      return;
    case 'tool-call':
      if (!once(`call:${event.toolUseId}`)) return;
      append('tool.called', { toolUseId: event.toolUseId, tool: event.tool, input: event.input }, 'claimed');
      record.last = oneLine(callLine(event.tool, event.input));
      return;
    case 'tool-result':
      if (!once(`result:${event.toolUseId}`)) return;
      append(
        'tool.finished',
        { toolUseId: event.toolUseId, text: event.text, isError: event.isError },
        'claimed',
      );
      wiring.gates.of(run).toolAnswered(event, at_ms);
      return;
    case 'gate-asked':
    case 'permission-asked':
      wiring.gates.of(run).asked(callOf(event), at_ms);
      if (event.kind === 'gate-asked') return;
      activity('waiting-for-operator', `asks to use ${event.tool}`, event.tool);
      record.last = oneLine(`asks to use ${callLine(event.tool, event.input)}`);
      return;
    case 'gate-withdrawn':
      wiring.gates.of(run).left(event.requestId, 'gate', at_ms);
      return;
    case 'permission-withdrawn':
      wiring.gates.of(run).left(event.requestId, 'permission', at_ms);
      return;
    case 'inject':
      settle(wiring, event.injectId, event.stage, event.evidence);
      if (event.stage === 'seen') heard(wiring, run, event.injectId);
      return;
    case 'turn-ended':
      append('turn.ended', {
        outcome: event.outcome,
        ...(event.text === undefined ? {} : { text: event.text }),
      });
      turnEnded(record.turn, event.outcome);
      turnOver(record.gate, event.outcome);
      activity('idle', `the turn ended: ${event.outcome}`);
      if (event.outcome === 'failed') record.last = oneLine(`failed: ${event.text ?? 'the turn failed'}`);
      return;
    case 'interrupted':
      append('turn.interrupted', { request: event.requestId });
      return;
    case 'mcp-status':
      append('mcp.status', { servers: event.servers });
      for (const server of event.servers) {
        if (server.name === 'aether' && server.status !== 'connected' && server.status !== 'pending') {
          append('engine.note', {
            level: 'error',
            text: `The engine reports its aether tools as "${server.status}": it works without memory and mail.`,
          });
        }
      }
      return;
    case 'usage':
      if (!once(event.key && `usage:${event.key}`)) return;
      record.input_tokens = added(
        record.input_tokens,
        event.input_tokens + event.cache_read_tokens + event.cache_write_tokens,
      );
      record.output_tokens = added(record.output_tokens, event.output_tokens);
      if (event.cost_usd !== null) record.cost_usd = (record.cost_usd ?? 0) + event.cost_usd;
      append('usage.recorded', { ...event }, 'claimed');
      return;
    case 'retrying':
      append('engine.retrying', { attempt: event.attempt, delay_ms: event.delay_ms, why: event.why });
      record.last = oneLine(`retry ${event.attempt}: ${event.why}`);
      return;
    case 'note':
      append('engine.note', { level: event.level, text: event.text });
      return;
  }
}

/** Both stages of one channel: at the gate, and where the engine's own rules want a person asked. */
export function callOf(event: Asked): AskedCall {
  const { requestId, tool, input, toolUseId = null } = event;
  const stage = event.kind === 'gate-asked' ? 'gate' : 'permission';
  const subagent = event.kind === 'gate-asked' ? event.subagent : undefined;
  return { requestId, stage, tool, input, toolUseId, ...(subagent === undefined ? {} : { subagent }) };
}

/** The turn under way has taken up somebody's words. */
function heard(wiring: Wiring, run: Run, inject: string): void {
  const injection = wiring.injections.get(inject);
  if (injection !== null) goesBy(wiring, run, injection.principal, 'message');
}

const added = (sum: number, more: number): number => Math.min(sum + more, limits.run_tokens_max);

/** A call as people speak of it: the tool, and the first thing it was given, which says what it is about. */
function callLine(tool: string, input: unknown): string {
  const given = typeof input === 'object' && input !== null ? Object.values(input) : [input];
  const about = given.find((value) => typeof value === 'string' && value.trim() !== '');
  const name = tool.replace(/^mcp__aether__/, '');
  // The question of before, waited for once more: its id says nothing to a person.
  if (name === 'aether_ask_operator' && given.length > 0 && !Object.hasOwn(Object(input), 'question'))
    return `${name}: still waits for the answer`;
  if (about !== undefined) return `${name}: ${String(about)}`;
  return given.length === 0 || input === undefined ? name : `${name} ${JSON.stringify(input)}`;
}

/** For one line of a table: no line breaks, no control characters, bounded. */
function oneLine(text: string): string {
  const flat = text.replace(/[\u0000-\u001f\u007f\s]+/g, ' ').trim();
  return shortText(flat, LAST_CHARS);
}
