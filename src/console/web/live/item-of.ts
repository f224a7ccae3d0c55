/** The item a new event begins, if it begins one. */
import type { EventView, WireError } from '../../wire.ts';
import { deedOf } from './deeds.ts';
import type { Item } from './items.ts';
import { flag, list, loose, record, text } from './read.ts';
import { remarkOf } from './remarks.ts';
import { ruleOf } from './rules.ts';
import type { Spans } from './spans.ts';

/** Told elsewhere (header, fleet, inbox), or of no use to a reader. */
const SILENT =
  /^(activity|usage|process|config|host|swap)\.|^(mcp\.called|agent\.(added|changed)|mail\.acked|lease\.requested)$/;

const LEVELS = { info: 'info', warn: 'warn', error: 'error' } as const;

export function itemOf(known: EventView, spans: Spans): Item | null {
  const event = loose(known);
  const { topic, data, seq, at_ms, grade, principal } = event;
  const base = { key: `e${seq}`, seq, at_ms, grade, principal };
  switch (topic) {
    case 'message.assistant':
      return { ...base, kind: 'said', text: text(data, 'text'), thinking: flag(data, 'thinking') };
    case 'message.user':
      return { ...base, kind: 'told', text: text(data, 'text'), typed: flag(data, 'typed'), receipt: null };
    case 'tool.called':
      return {
        ...base,
        key: `tool ${text(data, 'toolUseId')}`,
        kind: 'tool',
        tool: text(data, 'tool'),
        input: data.input,
        result: null,
        deed: null,
      };
    case 'approval.opened':
      return {
        ...base,
        key: `approval ${text(data, 'approval')}`,
        kind: 'approval',
        approval: text(data, 'approval'),
        ask: data.kind === 'question' ? 'question' : 'permission',
        title: text(data, 'title'),
        detail: record(data, 'detail'),
        state: 'open',
        answer: null,
        by: null,
      };
    case 'engine.note':
      return {
        ...base,
        kind: 'note',
        level: LEVELS[text(data, 'level') as keyof typeof LEVELS] ?? 'info',
        text: text(data, 'text'),
      };
    case 'engine.retrying':
      return {
        ...base,
        kind: 'note',
        level: 'warn',
        text: `The model is asked again (attempt ${text(data, 'attempt')}): ${text(data, 'why')}`,
      };
    case 'mcp.status': {
      const failed = list(data, 'servers')
        .map((server) => record({ server }, 'server'))
        .filter((server) => server.status !== 'connected');
      const names = failed.map((server) => `${text(server, 'name')} (${text(server, 'status')})`).join(', ');
      return failed.length === 0
        ? null
        : { ...base, kind: 'note', level: 'warn', text: `MCP servers that are not connected: ${names}` };
    }
  }
  if (topic.startsWith('inject.')) {
    // Without its text (it was queued before this page begins) there is nothing to show.
    if (data.text === undefined) return null;
    const stage = topic.slice('inject.'.length);
    const inject = text(data, 'inject');
    const evidence = text(data, 'evidence') || (stage === 'queued' ? 'stored by the host' : '');
    const steps = [{ stage, at_ms, evidence }];
    const receipt = { inject, priority: text(data, 'priority') || 'next', stage, steps };
    return {
      ...base,
      key: `inject ${inject}`,
      kind: 'told',
      text: text(data, 'text'),
      typed: false,
      receipt,
    };
  }
  const deed = deedOf(event);
  if (deed) return { ...base, kind: 'deed', deed };
  const remark = remarkOf(event);
  if (remark) return { ...base, kind: 'note', ...remark };
  const rule = ruleOf(event, spans);
  if (rule) {
    const problem = data.problem ? (record(data, 'problem') as unknown as WireError) : null;
    return { ...base, kind: 'rule', note: null, changed: [], problem, ...rule };
  }
  return SILENT.test(topic) ? null : { ...base, kind: 'other', topic, data };
}
