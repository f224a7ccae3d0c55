/** A request in any of the four protocols, reduced to what the script needs. */
import { type Action, parseDirectives, splitResponses, substitute } from './directives.ts';

/** What engines say to the model between messages, which no person said: Claude Code's and OpenClaw's. */
const REMARKS =
  /<system-reminder>[\s\S]*?<\/system-reminder>|<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>[\s\S]*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>/g;

export interface Turn {
  role: 'system' | 'user' | 'assistant' | 'tool';
  /** Everything readable in it except tool results and tool calls. */
  text: string;
  /** Results carried by this turn, in order. */
  results: string[];
  /** Calls made in this turn. */
  calls: { tool: string; input: unknown }[];
  /** Came in the same message as tool results: perhaps an engine's remark, perhaps a person. */
  rides?: boolean;
}

export interface Conversation {
  model: string;
  stream: boolean;
  turns: Turn[];
  /** Names offered to the model. */
  tools: string[];
}

/** What to answer to this conversation: the response of the script that comes next, and which one that is. */
export interface Cue {
  actions: Action[];
  /** Same for the same script and step: counts repeated failures. */
  key: string;
}

/** A script for what somebody says who cannot write one: the first whose `text` is in it counts. */
export interface Lesson {
  text: string;
  script: string;
}

export function cueFor(conversation: Conversation, lessons: readonly Lesson[] = []): Cue {
  const { turns } = conversation;
  const at = scriptIndex(turns, lessons);
  if (at < 0) return { actions: [{ do: 'say', text: 'ok' }], key: 'default' };
  const script = scriptOf(turns[at]!.text, lessons);
  const step = turns.slice(at + 1).filter((turn) => turn.role === 'assistant').length;
  const response = splitResponses(parseDirectives(script))[step];
  if (!response) return { actions: [{ do: 'say', text: 'done' }], key: `${step}:${script}` };
  const result = turns.flatMap((turn) => turn.results).at(-1) ?? '';
  const actions = response.map((action) => substitute(action, result) as Action);
  return { actions, key: `${step}:${script}` };
}

/**
 * The latest turn that holds a script, unless a person has said something else since: then the model just
 * says "ok". Plain text that rides along with tool results does not end the script, an interrupt does.
 */
function scriptIndex(turns: Turn[], lessons: readonly Lesson[]): number {
  for (let index = turns.length - 1; index >= 0; index--) {
    const turn = turns[index]!;
    if (turn.role !== 'user' && turn.role !== 'system') continue;
    if (scriptOf(turn.text, lessons) !== '') return index;
    if (turn.role === 'system') continue;
    const said = turn.text.replace(REMARKS, '').trim();
    if (said !== '' && (!turn.rides || said.startsWith('[Request interrupted'))) return -1;
  }
  return -1;
}

/** Empty where a text holds no script and none was taught for it. */
function scriptOf(text: string, lessons: readonly Lesson[]): string {
  if (parseDirectives(text).length > 0) return text;
  return lessons.find((lesson) => text.includes(lesson.text))?.script ?? '';
}
