/** POST /v1/messages: https://platform.claude.com/docs/en/build-with-claude/streaming. */
import { randomUUID } from 'node:crypto';
import type { Conversation, Turn } from './conversation.ts';
import type { Dialect, Output } from './dialect.ts';
import { tokensOf } from './perform.ts';

interface Block {
  type: string;
  text?: string;
  name?: string;
  input?: unknown;
  content?: string | Block[];
}

interface Body {
  model?: string;
  stream?: boolean;
  messages?: { role: string; content: string | Block[] }[];
  tools?: { name: string }[];
}

const textOf = (content: string | Block[] | undefined): string =>
  typeof content === 'string'
    ? content
    : (content ?? [])
        .filter((block) => block.type === 'text')
        .map((block) => block.text ?? '')
        .join('\n');

/**
 * Each text block of a user message is a turn of its own: an engine merges what a person said in several
 * messages (after an interrupt, after a failed turn) into the blocks of one.
 */
function turnsOf(role: string, content: string | Block[]): Turn[] {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content } as Block] : content;
  const calls = blocks
    .filter((block) => block.type === 'tool_use')
    .map((block) => ({ tool: block.name ?? '', input: block.input }));
  if (role === 'assistant') return [{ role, text: textOf(blocks), results: [], calls }];
  const results = blocks.filter((b) => b.type === 'tool_result').map((b) => textOf(b.content));
  const speaker = role === 'system' ? 'system' : 'user';
  const turns: Turn[] = results.length > 0 ? [{ role: 'tool', text: '', results, calls: [] }] : [];
  for (const block of blocks) {
    if (block.type !== 'text') continue;
    turns.push({ role: speaker, text: block.text ?? '', results: [], calls: [], rides: results.length > 0 });
  }
  return turns;
}

export const anthropic: Dialect = {
  name: 'anthropic',

  matches: (path) => /^\/(v1\/)?messages$/.test(path),

  read(input): Conversation {
    const body = input as Body;
    const turns = (body.messages ?? []).flatMap(({ role, content }) => turnsOf(role, content));
    return {
      model: body.model ?? '',
      stream: body.stream === true,
      turns,
      tools: (body.tools ?? []).map((tool) => tool.name),
    };
  },

  error(status) {
    const type =
      {
        400: 'invalid_request_error',
        401: 'authentication_error',
        429: 'rate_limit_error',
        529: 'overloaded_error',
      }[status] ?? 'api_error';
    return { type: 'error', error: { type, message: `scripted ${type}` }, request_id: 'req_scripted' };
  },

  async write(out: Output, input, conversation, pieces) {
    const id = `msg_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
    const head = { id, type: 'message', role: 'assistant', model: conversation.model };
    const usage = {
      input_tokens: tokensOf((input as Body).messages),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 1,
    };
    return conversation.stream ? stream(out, head, usage, pieces) : whole(out, head, usage, pieces);
  },
};

type Head = { id: string; type: string; role: string; model: string };
type Usage = { input_tokens: number; output_tokens: number };

async function stream(out: Output, head: Head, usage: Usage, pieces: Parameters<Dialect['write']>[3]) {
  const send = (event: { type: string; [key: string]: unknown }) =>
    out.text(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const start = () => {
    if (!out.open(200, 'text/event-stream')) return;
    send({
      type: 'message_start',
      message: { ...head, content: [], stop_reason: null, stop_sequence: null, usage },
    });
    send({ type: 'ping' });
  };
  let open = -1;
  let produced = '';
  let called = false;
  const close = () => {
    if (open >= 0) send({ type: 'content_block_stop', index: open });
    open = -1;
  };
  out.onWait(start);
  for await (const piece of pieces) {
    if (piece.type === 'error') {
      if (out.opened) send({ ...anthropic.error(piece.status), type: 'error' });
      else out.json(piece.status, anthropic.error(piece.status));
      return;
    }
    start();
    if (piece.type === 'cut') return out.cut();
    if (piece.type === 'garbage') {
      out.text('event: content_block_delta\ndata: {"type":"content_block_delta","index":\n\n');
      return;
    }
    if (open !== piece.block) {
      close();
      open = piece.block;
      const content_block =
        piece.type === 'call'
          ? { type: 'tool_use', id: `toolu_${piece.id}`, name: piece.tool, input: {} }
          : piece.type === 'text'
            ? { type: 'text', text: '' }
            : { type: 'thinking', thinking: '', signature: '' };
      send({ type: 'content_block_start', index: open, content_block });
    }
    if (piece.type === 'call') {
      called = true;
      produced += piece.json;
      const half = Math.ceil(piece.json.length / 2);
      for (const partial_json of [piece.json.slice(0, half), piece.json.slice(half)]) {
        send({ type: 'content_block_delta', index: open, delta: { type: 'input_json_delta', partial_json } });
      }
      continue;
    }
    produced += piece.text;
    const delta =
      piece.type === 'text'
        ? { type: 'text_delta', text: piece.text }
        : { type: 'thinking_delta', thinking: piece.text };
    send({ type: 'content_block_delta', index: open, delta });
    if (piece.type === 'thinking') {
      send({
        type: 'content_block_delta',
        index: open,
        delta: { type: 'signature_delta', signature: 'scripted' },
      });
    }
  }
  start();
  close();
  send({
    type: 'message_delta',
    delta: { stop_reason: called ? 'tool_use' : 'end_turn', stop_sequence: null },
    usage: { ...usage, output_tokens: tokensOf(produced) },
  });
  send({ type: 'message_stop' });
}

async function whole(out: Output, head: Head, usage: Usage, pieces: Parameters<Dialect['write']>[3]) {
  const content: Record<string, unknown>[] = [];
  for await (const piece of pieces) {
    if (piece.type === 'error') return out.json(piece.status, anthropic.error(piece.status));
    if (piece.type === 'cut') return out.cut();
    if (piece.type === 'garbage') return out.raw(200, 'application/json', '{"type":"message","content":[');
    const last = content[piece.block];
    if (piece.type === 'call') {
      content[piece.block] = {
        type: 'tool_use',
        id: `toolu_${piece.id}`,
        name: piece.tool,
        input: piece.input,
      };
    } else if (piece.type === 'text') {
      content[piece.block] = { type: 'text', text: `${last?.text ?? ''}${piece.text}` };
    } else {
      content[piece.block] = {
        type: 'thinking',
        thinking: `${last?.thinking ?? ''}${piece.text}`,
        signature: 'scripted',
      };
    }
  }
  const stop_reason = content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
  out.json(200, {
    ...head,
    content,
    stop_reason,
    stop_sequence: null,
    usage: { ...usage, output_tokens: tokensOf(content) },
  });
}
