/** POST /v1/chat/completions: https://platform.openai.com/docs/api-reference/chat-streaming. */
import { randomUUID } from 'node:crypto';
import type { Conversation, Turn } from './conversation.ts';
import type { Dialect, Output } from './dialect.ts';
import { tokensOf } from './perform.ts';

interface Message {
  role: string;
  content?: string | { type: string; text?: string }[] | null;
  tool_calls?: { function: { name: string; arguments: string } }[];
}

interface Body {
  model?: string;
  stream?: boolean;
  messages?: Message[];
  tools?: { function?: { name: string } }[];
  stream_options?: { include_usage?: boolean };
}

const textOf = (content: Message['content']): string =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');

function turnOf(message: Message): Turn {
  const text = textOf(message.content);
  const calls = (message.tool_calls ?? []).map((call) => ({
    tool: call.function.name,
    input: call.function.arguments,
  }));
  if (message.role === 'tool') return { role: 'tool', text: '', results: [text], calls };
  const known = message.role === 'assistant' || message.role === 'user' ? message.role : 'system';
  return { role: known, text, results: [], calls };
}

export const openai: Dialect = {
  name: 'openai',

  matches: (path) => /^\/(v1\/)?chat\/completions$/.test(path),

  read(input): Conversation {
    const body = input as Body;
    return {
      model: body.model ?? '',
      stream: body.stream === true,
      turns: (body.messages ?? []).map(turnOf),
      tools: (body.tools ?? []).map((tool) => tool.function?.name ?? ''),
    };
  },

  error: (status) => ({
    error: { message: `scripted error ${status}`, type: 'scripted', param: null, code: String(status) },
  }),

  async write(out: Output, input, conversation, pieces) {
    const body = input as Body;
    const head = { id: `chatcmpl-${randomUUID()}`, created: 0, model: conversation.model };
    const produced = { content: '', reasoning: '', calls: [] as unknown[], tokens: 0 };
    const send = (delta: unknown, finish_reason: string | null, usage?: unknown) => {
      const choices = usage === undefined ? [{ index: 0, delta, finish_reason }] : [];
      const chunk = { ...head, object: 'chat.completion.chunk', choices, ...(usage ? { usage } : {}) };
      out.text(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    const start = () => {
      if (conversation.stream && out.open(200, 'text/event-stream')) send({ role: 'assistant' }, null);
    };
    out.onWait(start);
    for await (const piece of pieces) {
      if (piece.type === 'error') {
        if (out.opened) out.text(`data: ${JSON.stringify(openai.error(piece.status))}\n\n`);
        else out.json(piece.status, openai.error(piece.status));
        return;
      }
      if (piece.type === 'cut') {
        out.cut();
        return;
      }
      start();
      if (piece.type === 'garbage') {
        if (conversation.stream) out.text('data: {"choices":[\n\n');
        else out.raw(200, 'application/json', '{"choices":[');
        return;
      }
      if (piece.type === 'call') {
        const index = produced.calls.length;
        const call = {
          id: `call_${piece.id}`,
          type: 'function',
          function: { name: piece.tool, arguments: piece.json },
        };
        produced.calls.push(call);
        produced.tokens += tokensOf(piece.json);
        if (conversation.stream) send({ tool_calls: [{ index, ...call }] }, null);
        continue;
      }
      produced.tokens += tokensOf(piece.text);
      if (piece.type === 'text') produced.content += piece.text;
      else produced.reasoning += piece.text;
      const delta = piece.type === 'text' ? { content: piece.text } : { reasoning_content: piece.text };
      if (conversation.stream) send(delta, null);
    }
    const finish_reason = produced.calls.length > 0 ? 'tool_calls' : 'stop';
    const prompt_tokens = tokensOf(body.messages);
    const usage = {
      prompt_tokens,
      completion_tokens: produced.tokens,
      total_tokens: prompt_tokens + produced.tokens,
    };
    if (conversation.stream) {
      start();
      send({}, finish_reason);
      if (body.stream_options?.include_usage) send(null, null, usage);
      out.text('data: [DONE]\n\n');
      return;
    }
    const message = {
      role: 'assistant',
      content: produced.content || null,
      ...(produced.reasoning ? { reasoning_content: produced.reasoning } : {}),
      ...(produced.calls.length > 0 ? { tool_calls: produced.calls } : {}),
    };
    out.json(200, {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason }],
      usage,
    });
  },
};
