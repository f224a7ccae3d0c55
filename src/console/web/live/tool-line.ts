/** One line for a tool call: what it does and to what, for the tools engines commonly have. */
import { type DiffLine, diffLines } from './diff.ts';

export interface ToolLine {
  /** `Bash`, `mail`, `memory` … */
  name: string;
  /** The command, the path, the subject: what a reader looks for. */
  target: string;
  /** Text that opens below, when it says more than the arguments as JSON. */
  body: { kind: 'shell' | 'text'; text: string } | null;
  diff: DiffLine[] | null;
}

type Input = Record<string, unknown>;

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
  const line = (target: string, more: Partial<ToolLine> = {}): ToolLine => ({
    name,
    target,
    body: null,
    diff: null,
    ...more,
  });
  switch (name.toLowerCase()) {
    case 'bash':
    case 'run':
    case 'run_command':
    case 'shell': {
      const command = str(input, 'command', 'cmd');
      return line(firstLine(command), { body: { kind: 'shell', text: command } });
    }
    case 'edit':
      return line(str(input, 'file_path', 'path'), {
        diff: diffLines(str(input, 'old_string'), str(input, 'new_string')),
      });
    case 'multiedit':
      return line(str(input, 'file_path', 'path'), { diff: editsOf(input) });
    case 'write':
    case 'write_file':
      return line(str(input, 'file_path', 'path'), { diff: diffLines('', str(input, 'content')) });
    case 'read':
    case 'read_file':
    case 'list':
    case 'list_files':
    case 'notebookedit':
      return line(str(input, 'file_path', 'path', 'notebook_path') || '.');
    case 'grep':
    case 'glob':
      return line([str(input, 'pattern'), str(input, 'path')].filter(Boolean).join('  in '));
    case 'webfetch':
      return line(str(input, 'url'));
    case 'websearch':
    case 'toolsearch':
      return line(str(input, 'query'));
    case 'task':
    case 'agent':
      return line(str(input, 'description'), { body: { kind: 'text', text: str(input, 'prompt') } });
    case 'todowrite':
      return line('the list of steps', { body: { kind: 'text', text: todos(input) } });
    case 'aether_mail_send':
      return line(`to ${str(input, 'to')}: ${str(input, 'subject')}`, {
        name: 'Mail',
        body: { kind: 'text', text: str(input, 'body') },
      });
    case 'aether_mail_inbox':
      return line('inbox', { name: 'Mail' });
    case 'aether_mail_ack':
      return line('acknowledge', { name: 'Mail' });
    case 'aether_memory_store':
      return line(firstLine(str(input, 'text')), {
        name: 'Remember',
        body: { kind: 'text', text: str(input, 'text') },
      });
    case 'aether_memory_search':
      return line(str(input, 'query'), { name: 'Recall' });
    case 'aether_memory_get':
      return line(str(input, 'key', 'id'), { name: 'Recall' });
    case 'aether_memory_forget':
      return line(str(input, 'key', 'id'), { name: 'Forget' });
    case 'aether_agents_list':
      return line('who else is here', { name: 'Agents' });
    case 'aether_ask_operator':
      // With an id it is the same question, waited for once more.
      return line(firstLine(str(input, 'question')) || 'still waits for the answer', {
        name: 'Ask',
        body: { kind: 'text', text: str(input, 'question') },
      });
    case 'aether_report':
      return line(firstLine(str(input, 'summary')), {
        name: 'Report',
        body: {
          kind: 'text',
          text: [str(input, 'summary'), str(input, 'details')].filter(Boolean).join('\n\n'),
        },
      });
    default:
      return line(
        firstLine(Object.values(input).find((value): value is string => typeof value === 'string') ?? ''),
      );
  }
}

function editsOf(input: Input): DiffLine[] {
  const edits = Array.isArray(input.edits) ? (input.edits as Input[]) : [];
  return edits.flatMap((edit, index) => [
    ...(index === 0 ? [] : [{ sign: '…' as const, text: '' }]),
    ...diffLines(str(edit, 'old_string'), str(edit, 'new_string')),
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
