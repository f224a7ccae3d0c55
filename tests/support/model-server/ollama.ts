/** POST /api/chat: https://github.com/ollama/ollama/blob/main/docs/api.md. Streams unless told not to. */
import type { Conversation, Turn } from './conversation.ts';
import type { Dialect, Output } from './dialect.ts';
import { tokensOf } from './perform.ts';

interface Message {
  role: string;
  content?: string;
  tool_calls?: { function: { name: string; arguments: unknown } }[];
}

interface Body {
  model?: string;
  stream?: boolean;
  messages?: Message[];
  tools?: { function?: { name: string } }[];
}

function turnOf(message: Message): Turn {
  const text = message.content ?? '';
  const calls = (message.tool_calls ?? []).map(({ function: call }) => ({
    tool: call.name,
    input: call.arguments,
  }));
  if (message.role === 'tool') return { role: 'tool', text: '', results: [text], calls };
  const known = message.role === 'assistant' || message.role === 'user' ? message.role : 'system';
  return { role: known, text, results: [], calls };
}

export const ollama: Dialect = {
  name: 'ollama',

  matches: (path) => /^(\/api)?\/chat$/.test(path),

  read(input): Conversation {
    const body = input as Body;
    return {
      model: body.model ?? '',
      stream: body.stream !== false,
      turns: (body.messages ?? []).map(turnOf),
      tools: (body.tools ?? []).map((tool) => tool.function?.name ?? ''),
    };
  },

  error: (status) => ({ error: `scripted error ${status}` }),

  async write(out: Output, input, conversation, pieces) {
    const head = { model: conversation.model, created_at: '2026-01-01T00:00:00Z' };
    const whole = { content: '', thinking: '', tool_calls: [] as unknown[] };
    const send = (message: unknown) =>
      out.text(
        `${JSON.stringify({ ...head, message: { role: 'assistant', content: '', ...(message as object) }, done: false })}\n`,
      );
    const start = () => {
      if (conversation.stream) out.open(200, 'application/x-ndjson');
    };
    out.onWait(start);
    for await (const piece of pieces) {
      if (piece.type === 'error') {
        if (out.opened) out.text(`${JSON.stringify(ollama.error(piece.status))}\n`);
        else out.json(piece.status, ollama.error(piece.status));
        return;
      }
      if (piece.type === 'cut') {
        out.cut();
        return;
      }
      start();
      if (piece.type === 'garbage') {
        if (conversation.stream) out.text('{"message":{"role":\n');
        else out.raw(200, 'application/json', '{"message":');
        return;
      }
      if (piece.type === 'call') {
        // Arguments are an object here: broken ones can only be of the wrong kind.
        const broken = piece.json !== JSON.stringify(piece.input);
        const call = { function: { name: piece.tool, arguments: broken ? piece.json : piece.input } };
        whole.tool_calls.push(call);
        if (conversation.stream) send({ tool_calls: [call] });
        continue;
      }
      const field = piece.type === 'text' ? 'content' : 'thinking';
      whole[field] += piece.text;
      if (conversation.stream) send({ [field]: piece.text });
    }
    start();
    const end = {
      done: true,
      done_reason: 'stop',
      total_duration: 1,
      load_duration: 1,
      prompt_eval_count: tokensOf((input as Body).messages),
      prompt_eval_duration: 1,
      eval_count: tokensOf(whole),
      eval_duration: 1,
    };
    if (conversation.stream) {
      out.text(`${JSON.stringify({ ...head, message: { role: 'assistant', content: '' }, ...end })}\n`);
      return;
    }
    const { thinking, tool_calls, content } = whole;
    const message = {
      role: 'assistant',
      content,
      ...(thinking ? { thinking } : {}),
      ...(tool_calls.length > 0 ? { tool_calls } : {}),
    };
    out.json(200, { ...head, message, ...end });
  },
};
