/** The item that an event begins, a line per topic. transcript.ts adds the events that join an existing item. */
import { type Renderers, render, type Sentence } from '../../../host/events/sentences.ts';
import type { EventView } from '../../console-protocol.ts';
import { deedOf } from './deeds.ts';
import type { Base, Item, ItemOf } from './items.ts';
import { text } from './read.ts';
import type { Spans } from './spans.ts';

const items: Renderers<Item> = {
  // Told elsewhere: in the header, the fleet, the banners.
  'host.started': null,
  'host.stopped': null,
  'config.applied': null,
  'config.changed': null,
  'config.broken': null,
  'events.pruned': null,
  'events.redacted': null,
  'runs.removed': null,
  'agent.added': null,
  'agent.changed': null,
  'process.started': null,
  'process.exited': null,
  'swap.begun': null,
  'swap.done': null,
  'swap.rolledBack': null,
  'swap.failed': null,
  'activity.changed': null,
  'usage.recorded': null,
  'mcp.called': null,
  'memory.expired': null,
  'mail.acked': null,
  'lease.requested': null,
  // Part of an item that began before; without it, before this page, there is nothing to show.
  'inject.delivered': null,
  'inject.seen': null,
  'inject.acted': null,
  'inject.cancelled': null,
  'inject.dropped': null,
  'inject.unknown': null,
  'tool.finished': null,
  'approval.answered': null,
  'approval.withdrawn': null,

  'message.assistant': (event) => {
    const { data } = event;
    return { ...base(event), kind: 'said', text: text(data.text), thinking: data.thinking === true };
  },
  'message.user': (event) => {
    const { data } = event;
    return { ...base(event), kind: 'told', text: text(data.text), typed: data.typed === true, receipt: null };
  },
  'inject.queued': (event) => {
    const { inject, priority, text: words } = event.data;
    const step = { stage: 'queued', at_ms: event.at_ms, evidence: 'stored by the host' };
    const receipt = { inject: text(inject), priority: text(priority), stage: 'queued', steps: [step] };
    return { ...base(event, `inject ${inject}`), kind: 'told', text: text(words), typed: false, receipt };
  },
  'tool.called': (event) => {
    const { toolUseId, tool, input } = event.data;
    const key = `tool ${toolUseId}`;
    return { ...base(event, key), kind: 'tool', tool: text(tool), input, result: null, deed: null };
  },
  'approval.opened': (event) => {
    const { approval, kind, title, detail } = event.data;
    return {
      ...base(event, `approval ${approval}`),
      kind: 'approval',
      approval,
      ask: kind,
      title: text(title),
      detail: detail ?? {},
      state: 'open',
      answer: null,
      by: null,
    };
  },
  'memory.stored': deed,
  'memory.forgotten': deed,
  'mail.sent': deed,
  'report.made': deed,
};

/** What people say was good or bad. */
const ACTS: Record<string, string> = {
  'message.assistant': 'this message',
  'tool.called': 'this call',
  'report.made': 'this report',
  'mail.sent': 'this mail',
  'turn.ended': 'this turn',
  'run.exited': 'this run',
  'run.lost': 'this run',
};

export function itemOf(event: EventView, spans: Spans): Item | null {
  return render(items, event, {
    said: (sentence) => saidItem(event, sentence),
    otherwise: () => ({ ...base(event), kind: 'other', topic: event.topic, data: event.data }),
    lasted: spans.lasted(event),
  });
}

function base({ id, cursor, at_ms, grade, principal, seq, topic }: EventView, key = id): Base {
  const act = Object.hasOwn(ACTS, topic) ? (ACTS[topic] ?? null) : null;
  return { key, cursor, at_ms, grade, principal, seq, act, judged: null };
}

function deed(event: Parameters<typeof deedOf>[0]): ItemOf<'deed'> {
  return { ...base(event), kind: 'deed', deed: deedOf(event) };
}

function saidItem(event: EventView, { text: words, tone, note, changed, problem }: Sentence): Item {
  if (tone === 'info' || tone === 'warn' || tone === 'error')
    return { ...base(event), kind: 'note', level: tone, text: text(words) };
  return {
    ...base(event),
    kind: 'rule',
    tone,
    text: text(words),
    note: note ?? null,
    changed: changed ?? [],
    problem: problem ?? null,
  };
}
