/**
 * What the scripted model is told to do, written into the user's own message. Everything the model does is a
 * function of the request alone (apart from counted failures), so an engine may be killed, resumed or forked
 * at any point and the next request still gets the one right answer.
 *
 *   [[say TEXT]]            text; {{result}} and {{result.a.b}} stand for the last tool result (a JSON path into it)
 *   [[think TEXT]]          a thinking block
 *   [[slow MS TEXT]]        text, one word every MS milliseconds
 *   [[call TOOL {json}]]    a tool call; ends this response, the script goes on after its result
 *   [[and TOOL {json}]]     one more call in the same response (parallel tool use)
 *   [[wait MS]]             nothing for MS milliseconds, the stream open
 *   [[hang NAME]]           nothing until server.release(NAME) or the client goes away
 *   [[error STATUS TIMES]]  an HTTP error (mid-stream: an error event); TIMES: only the first TIMES requests
 *   [[malformed HOW]]       HOW = cut (connection dropped), garbage (not the protocol), arguments (tool input that is no JSON)
 *   [[next]]                ends this response without a call: the rest belongs to a following request
 */
export type Action =
  | { do: 'say'; text: string }
  | { do: 'think'; text: string }
  | { do: 'slow'; delay_ms: number; text: string }
  | { do: 'call'; tool: string; input: unknown; parallel: boolean }
  | { do: 'wait'; delay_ms: number }
  | { do: 'hang'; name: string }
  | { do: 'error'; status: number; times: number }
  | { do: 'malformed'; how: 'cut' | 'garbage' | 'arguments' }
  | { do: 'next' };

const OPEN = /\[\[(say|think|slow|call|and|wait|hang|error|malformed|next)\b[ \t]*/g;

/** All directives of a text in order; whatever else the text says is ignored. */
export function parseDirectives(text: string): Action[] {
  const actions: Action[] = [];
  OPEN.lastIndex = 0;
  for (let match = OPEN.exec(text); match; match = OPEN.exec(text)) {
    const verb = match[1] ?? '';
    const parsed = verb === 'call' || verb === 'and' ? parseCall(text, OPEN.lastIndex, verb) : null;
    if (parsed) {
      actions.push(parsed.action);
      OPEN.lastIndex = parsed.end;
      continue;
    }
    const end = text.indexOf(']]', OPEN.lastIndex);
    if (end < 0) break;
    const action = parseSimple(verb, text.slice(OPEN.lastIndex, end));
    if (action) actions.push(action);
    OPEN.lastIndex = end + 2;
  }
  return actions;
}

function parseSimple(verb: string, rest: string): Action | null {
  const [first = '', second = ''] = rest.trim().split(/\s+/);
  switch (verb) {
    case 'say':
      return { do: 'say', text: rest };
    case 'think':
      return { do: 'think', text: rest };
    case 'slow':
      return { do: 'slow', delay_ms: Number(first), text: rest.trim().slice(first.length).trim() };
    case 'wait':
      return { do: 'wait', delay_ms: Number(first) };
    case 'hang':
      return { do: 'hang', name: first };
    case 'error':
      return {
        do: 'error',
        status: Number(first),
        times: second ? Number(second) : Number.POSITIVE_INFINITY,
      };
    case 'malformed':
      return { do: 'malformed', how: first === 'cut' || first === 'arguments' ? first : 'garbage' };
    case 'next':
      return { do: 'next' };
    default:
      return null;
  }
}

/** The input may itself contain `]]`: the first end at which it is whole JSON counts. */
function parseCall(text: string, start: number, verb: string): { action: Action; end: number } | null {
  for (let end = text.indexOf(']]', start); end >= 0; end = text.indexOf(']]', end + 1)) {
    const body = text.slice(start, end).trim();
    const tool = body.split(/\s/, 1)[0] ?? '';
    const json = body.slice(tool.length).trim();
    try {
      const input: unknown = json === '' ? {} : JSON.parse(json);
      return { action: { do: 'call', tool, input, parallel: verb === 'and' }, end: end + 2 };
    } catch {
      // Not the end of the JSON yet: try the next `]]`.
    }
  }
  return null;
}

/** The script cut into responses: one per model request. */
export function splitResponses(actions: Action[]): Action[][] {
  const responses: Action[][] = [];
  let current: Action[] = [];
  let called = false;
  for (const action of actions) {
    const joins = action.do === 'call' && action.parallel;
    if (called && !joins) {
      responses.push(current);
      current = [];
      called = false;
    }
    if (action.do === 'next') {
      responses.push(current);
      current = [];
      continue;
    }
    current.push(action);
    if (action.do === 'call') called = true;
  }
  if (current.length > 0) responses.push(current);
  return responses;
}

/** Puts the last tool result where `{{result}}` or `{{result.path}}` stands, in every string of a value. */
export function substitute(value: unknown, result: string): unknown {
  if (typeof value === 'string') {
    return value.replace(/\{\{result((?:\.[\w-]+)*)\}\}/g, (_all, path: string) => lookUp(result, path));
  }
  if (Array.isArray(value)) return value.map((item) => substitute(item, result));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, result)]));
  }
  return value;
}

/** OpenClaw tells what an MCP tool answered twice: in many lines, then as it was, in one. */
const OPENCLAW_HEAD = /^structuredContent:\n[\s\S]*\n(?=[{[].*$)/;

function lookUp(result: string, path: string): string {
  if (path === '') return result;
  let value: unknown;
  try {
    value = JSON.parse(result.replace(OPENCLAW_HEAD, ''));
  } catch {
    return `(the result is not JSON: ${result.slice(0, 200)})`;
  }
  for (const key of path.slice(1).split('.')) {
    value = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
