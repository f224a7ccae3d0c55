/**
 * What a person says of an action: a memory of the agent, in the operator's name, and weight for the memories that the
 * agent had been given before the action, or against them.
 */
import type { CuratedMemory, EventView, Principal } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { type Curation, outerScope } from '../../memory/curation.ts';
import { shortText } from '../../text.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'events' | 'memory' | 'runs' | 'store'>;

export interface Feedback {
  agent?: string | undefined;
  thumb: 'up' | 'down';
  words?: string | undefined;
  /** Seq of the event that it is about. */
  event?: number | undefined;
  /** Id of the memory that it is about. */
  memory?: string | undefined;
}

export interface GivenFeedback {
  /** What is remembered of it; null where it is about a memory and there are no words. */
  memory: CuratedMemory | null;
  /** Ids of memories that weigh more now, or less. */
  weighed: string[];
}

const OF_A_READER = 0.1;
const OF_ITSELF = 0.5;
const DEED_CHARS = 300;
/** What people point at. */
const DEEDS = ['tool.called', 'message.assistant', 'report.made', 'turn.ended', 'mail.sent'];

export function giveFeedback(
  wiring: Needs,
  curation: Curation,
  by: Principal,
  given: Feedback,
): GivenFeedback {
  const { store, events } = wiring;
  return store.transaction(() => {
    const about = given.memory === undefined ? deedOf(wiring, given) : memoryOf(curation, by, given.memory);
    const weighed = curation.weigh(about.weighs, about.by * (given.thumb === 'up' ? 1 : -1));
    const memory = remembered(wiring, curation, by, given, about);
    events.append({
      topic: 'feedback.given',
      agent: about.agent,
      run: about.run,
      principal: by,
      grade: 'enforced',
      data: {
        thumb: given.thumb,
        ...(about.event === null ? {} : { event: about.event }),
        ...(given.memory === undefined ? {} : { memory: about.weighs[0]! }),
        ...(memory === null ? {} : { kept: memory.id }),
      },
    });
    return { memory, weighed };
  });
}

interface About {
  agent: string | null;
  run: string | null;
  event: number | null;
  toolUse: string | null;
  scope: string;
  what: string;
  /** Memories, and how much each thumb changes their weight. */
  weighs: string[];
  by: number;
}

function memoryOf(curation: Curation, by: Principal, id: string): About {
  const { memory } = curation.show(by, id);
  const agent = memory.holder.startsWith('agent:') ? memory.holder.slice('agent:'.length) : null;
  return {
    ...{
      agent,
      run: null,
      event: null,
      toolUse: null,
      scope: memory.holder,
      weighs: [memory.id],
      by: OF_ITSELF,
    },
    what: `the memory "${shortText(memory.text, DEED_CHARS)}"`,
  };
}

/** @throws AetherError `feedback.nothing` */
function deedOf({ agents, events, memory }: Needs, { agent, event }: Feedback): About {
  const deed = event === undefined ? lastDeed(events, agent) : events.at(event);
  if (deed === null || deed.agent === null || (agent !== undefined && deed.agent !== agent)) {
    throw new AetherError({
      code: 'feedback.nothing',
      who: 'user',
      message:
        event === undefined
          ? `${agent ?? 'No agent'} has done nothing so far that feedback could be about.`
          : `Event ${event} is none of ${agent ?? 'an agent'}.`,
      next: 'Name an agent, and with --event the number of an event as `aether logs` shows it.',
    });
  }
  agents.get(deed.agent);
  const { run } = deed;
  return {
    agent: deed.agent,
    run,
    event: deed.seq,
    toolUse: 'toolUseId' in deed.data && typeof deed.data.toolUseId === 'string' ? deed.data.toolUseId : null,
    scope: outerScope(`agent:${deed.agent}`),
    what: wordsOf(deed),
    weighs: run === null ? [] : memory.shownTo(run, deed.at_ms),
    by: OF_A_READER,
  };
}

function lastDeed(events: Needs['events'], agent: string | undefined): EventView | null {
  if (agent === undefined) return null;
  return events.list({ agent, topics: DEEDS, last: true, limit: 1 }).at(-1) ?? null;
}

function wordsOf(deed: EventView): string {
  const short = (text: string) => `"${shortText(text.trim(), DEED_CHARS)}"`;
  switch (deed.topic) {
    case 'tool.called':
      return `its call of ${deed.data.tool} ${shortText(JSON.stringify(deed.data.input) ?? '', DEED_CHARS)}`;
    case 'message.assistant':
      return `its words ${short(deed.data.text)}`;
    case 'report.made':
      return `its report ${short(deed.data.summary)}`;
    case 'turn.ended':
      return deed.data.text === undefined ? 'its last turn' : `its answer ${short(deed.data.text)}`;
    case 'mail.sent':
      return `its mail to ${deed.data.message.to}, ${short(deed.data.message.subject)}`;
    default:
      return `${deed.topic} (event ${deed.seq})`;
  }
}

function remembered(
  { memory }: Needs,
  curation: Curation,
  by: Principal,
  { thumb, words, memory: named }: Feedback,
  about: About,
): CuratedMemory | null {
  if (named !== undefined && words === undefined) return null;
  const liked = thumb === 'up' ? 'liked' : 'did not like';
  const said = words === undefined ? '' : ` They said: ${words.trim()}`;
  const { memory: made } = memory.store(
    { principal: by, agent: null, run: null },
    {
      text: shortText(`The operator ${liked} ${about.what}.${said}`, limits.feedback_chars_max),
      layer: 'social',
      importance: words === undefined ? 1 : 2,
      tags: ['feedback', thumb],
      scope: { exact: about.scope === 'fleet' ? 'shared' : about.scope },
      derived_from: [],
      evidence: {
        ...(about.event === null ? {} : { event: about.event }),
        ...(about.toolUse === null ? {} : { toolUse: about.toolUse }),
        ...(about.run === null ? {} : { from: `run ${about.run}` }),
      },
    },
  );
  return curation.show(by, made.id).memory;
}
