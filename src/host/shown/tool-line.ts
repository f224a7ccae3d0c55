/**
 * One line for a tool call: what it does and to what, for the tools engines commonly have. What is shown instead of
 * the arguments leaves none of them out: the others are the rest.
 */
import { type DiffLine, diffLines } from './diff.ts';

type Input = Record<string, unknown>;

export interface ToolLine {
  /** `Bash`, `mail`, `memory` … */
  name: string;
  /** The command, the path, the subject: what a reader looks for. */
  target: string;
  /** Text that opens below, when it says more than the arguments as JSON. */
  body: { kind: 'shell' | 'text'; text: string } | null;
  diff: DiffLine[] | null;
  /** Arguments that neither the target nor what opens below shows; null where these show none and all are to be shown. */
  rest: Input | null;
}

const str = (input: Input, ...keys: string[]): string => {
  for (const key of keys) if (typeof input[key] === 'string') return input[key];
  return '';
};

const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** `mcp__aether__aether_mail_send` → `aether_mail_send`; another server's tools keep the server's name. */
export function plainName(tool: string): string {
  const parts = tool.split('__').filter((part) => part !== '');
  const last = parts.at(-1) ?? tool;
  if (last.startsWith('aether_')) return last;
  return parts[0] === 'mcp' && parts.length >= 3 ? `${parts[1]}: ${parts.slice(2).join('__')}` : tool;
}

export function toolLine(tool: string, raw: unknown): ToolLine {
  const input: Input = typeof raw === 'object' && raw !== null ? (raw as Input) : {};
  const name = plainName(tool);
  const drawn = engineLine(name.toLowerCase(), input) ?? ourLine(name.toLowerCase(), input);
  const first = () => Object.values(input).find((value): value is string => typeof value === 'string') ?? '';
  const { shown = [], ...line } = drawn ?? { target: firstLine(first()) };
  const opens = Boolean(line.body || line.diff);
  return { name, body: null, diff: null, ...line, rest: opens ? restOf(input, shown) : null };
}

/** `shown`: arguments of which all is to be seen in the target and in what opens. */
type Drawn = Pick<ToolLine, 'target'> & Partial<ToolLine> & { shown?: string[] };

const textBody = (text: string): Pick<ToolLine, 'body'> => ({ body: { kind: 'text', text } });

/** Tools that engines commonly have. */
function engineLine(name: string, input: Input): Drawn | null {
  const [pathKey = 'path', path = ''] = firstOf(input, 'file_path', 'path');
  const ofFile = (diff: DiffLine[], shown: readonly string[]) => ({
    target: path,
    diff,
    shown: [pathKey, ...shown],
  });
  switch (name) {
    case 'bash':
    case 'exec':
    case 'run':
    case 'run_command':
    case 'shell': {
      const [key, command] = commandOf(input);
      if (key === null) return { target: '' };
      return { target: firstLine(command), body: { kind: 'shell', text: command }, shown: [key] };
    }
    case 'edit':
      if (Array.isArray(input.edits)) return ofFile(editsOf(input), editsAreWhole(input) ? ['edits'] : []);
      return ofFile(diffOf(input), changeKeys(input));
    case 'multiedit':
      return ofFile(editsOf(input), editsAreWhole(input) ? ['edits'] : []);
    case 'apply_patch': {
      const patch = str(input, 'input', 'patch');
      return { target: patchedIn(patch), ...textBody(patch), shown: ['input'] };
    }
    case 'write':
    case 'write_file':
      return ofFile(diffLines('', str(input, 'content')), ['content']);
    case 'read':
    case 'read_file':
    case 'list':
    case 'list_files':
    case 'ls':
    case 'notebookedit':
      return { target: str(input, 'file_path', 'path', 'notebook_path') || '.' };
    case 'grep':
    case 'glob':
      return { target: [str(input, 'pattern'), str(input, 'path')].filter(Boolean).join('  in ') };
    case 'webfetch':
    case 'web_fetch':
      return { target: str(input, 'url') };
    case 'websearch':
    case 'web_search':
    case 'toolsearch':
      return { target: str(input, 'query') };
    case 'task':
    case 'agent':
      return {
        ...{ target: str(input, 'description'), ...textBody(str(input, 'prompt')) },
        shown: ['description', 'prompt'],
      };
    case 'todowrite':
      return { target: 'the list of steps', ...textBody(todos(input)) };
    default:
      return null;
  }
}

/** Tools that the host serves. */
function ourLine(tool: string, input: Input): Drawn | null {
  switch (tool) {
    case 'aether_mail_send':
      return {
        ...{ name: 'Mail', target: `to ${str(input, 'to')}: ${str(input, 'subject')}` },
        ...{ ...textBody(str(input, 'body')), shown: ['to', 'subject', 'body'] },
      };
    case 'aether_mail_inbox':
      return { name: 'Mail', target: 'inbox' };
    case 'aether_mail_ack':
      return { name: 'Mail', target: 'acknowledge' };
    case 'aether_memory_store': {
      const text = str(input, 'text');
      return { name: 'Remember', target: firstLine(text), ...textBody(text), shown: ['text'] };
    }
    case 'aether_memory_search':
      return { name: 'Recall', target: str(input, 'query') };
    case 'aether_memory_get':
      return { name: 'Recall', target: str(input, 'key', 'id') };
    case 'aether_memory_forget':
      return { name: 'Forget', target: str(input, 'key', 'id') };
    case 'aether_agents_list':
      return { name: 'Agents', target: 'who else is here' };
    case 'aether_ask_operator': {
      // With an id it is the same question, waited for once more.
      const question = str(input, 'question');
      const target = firstLine(question) || 'still waits for the answer';
      return { name: 'Ask', target, ...textBody(question), shown: ['question'] };
    }
    case 'aether_report': {
      const [summary, details] = [str(input, 'summary'), str(input, 'details')];
      const text = [summary, details].filter(Boolean).join('\n\n');
      return { name: 'Report', target: firstLine(summary), ...textBody(text), shown: ['summary', 'details'] };
    }
    default:
      return null;
  }
}

function firstOf(input: Input, ...keys: string[]): [key: string, text: string] | [] {
  const key = keys.find((one) => typeof input[one] === 'string');
  return key === undefined ? [] : [key, input[key] as string];
}

/** What a shell tool is given: a text, or the words of a command. */
function commandOf(input: Input): [key: string, text: string] | [null, ''] {
  for (const key of ['command', 'cmd', 'script']) {
    const given = input[key];
    if (typeof given === 'string') return [key, given];
    if (Array.isArray(given) && given.length > 0 && given.every((word) => typeof word === 'string'))
      return [key, given.map(shellWord).join(' ')];
  }
  return [null, ''];
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A text that is shown, or a list of which every part is: all else is the rest. */
function restOf(input: Input, shown: string[]): Input {
  return Object.fromEntries(
    Object.entries(input).filter(
      ([key, value]) => !shown.includes(key) || (typeof value !== 'string' && !Array.isArray(value)),
    ),
  );
}

/** How engines call the text that is replaced, and the one in its place. */
const CHANGES = [
  ['old_string', 'new_string'],
  ['oldText', 'newText'],
] as const;

/** One way of calling them: what stands there under the other names is not shown. */
const changeKeys = (edit: Input) => CHANGES.find((keys) => keys.some((key) => key in edit)) ?? CHANGES[0];

function diffOf(edit: Input): DiffLine[] {
  const [before, after] = changeKeys(edit);
  return diffLines(str(edit, before), str(edit, after));
}

/** The files that a patch names. */
function patchedIn(patch: string): string {
  const files = [...patch.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm)].map(([, file]) =>
    file!.trim(),
  );
  return files.length === 0 ? firstLine(patch) : files.join(', ');
}

function editsAreWhole({ edits }: Input): boolean {
  return Array.isArray(edits) && edits.every(isWhole);
}

function isWhole(edit: unknown): boolean {
  if (typeof edit !== 'object' || edit === null) return false;
  const known: readonly string[] = changeKeys(edit as Input);
  return Object.entries(edit).every(([key, value]) => known.includes(key) && typeof value === 'string');
}

function editsOf(input: Input): DiffLine[] {
  const edits = Array.isArray(input.edits) ? (input.edits as Input[]) : [];
  return edits.flatMap((edit, index) => [
    ...(index === 0 ? [] : [{ sign: '…' as const, text: '' }]),
    ...diffOf(edit),
  ]);
}

function todos(input: Input): string {
  const marks: Record<string, string> = { completed: '✓', in_progress: '▸' };
  const steps = Array.isArray(input.todos) ? (input.todos as Input[]) : [];
  return steps.map((step) => `${marks[str(step, 'status')] ?? '○'} ${str(step, 'content')}`).join('\n');
}

/** Arguments as a reader wants them: JSON, but long strings on their own lines. */
export function showInput(raw: unknown): string {
  if (raw === undefined) return '';
  if (typeof raw === 'string') return raw;
  if (typeof raw !== 'object' || raw === null) return JSON.stringify(raw);
  return Object.entries(raw)
    .map(([key, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
      return text.includes('\n') ? `${key}:\n${text.replace(/^/gm, '  ')}` : `${key}: ${text}`;
    })
    .join('\n');
}
