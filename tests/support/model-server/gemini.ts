/** POST …/models/MODEL:generateContent and :streamGenerateContent: https://ai.google.dev/api/generate-content. */
import type { Conversation, Turn } from './conversation.ts';
import type { Dialect, Output } from './dialect.ts';
import { type Piece, tokensOf } from './perform.ts';

interface Part {
  text?: string;
  functionCall?: { name: string; args?: unknown };
  functionResponse?: { name: string; response?: unknown };
}

interface Body {
  contents?: { role?: string; parts?: Part[] }[];
  tools?: { functionDeclarations?: { name: string }[] }[];
}

/** A result arrives as an object; engines commonly wrap a plain text as {content} or {output} or {result}. */
function resultOf(response: unknown): string {
  if (response !== null && typeof response === 'object') {
    const { content, output, result } = response as Record<string, unknown>;
    const inner = content ?? output ?? result;
    if (inner !== undefined) return typeof inner === 'string' ? inner : JSON.stringify(inner);
  }
  return typeof response === 'string' ? response : JSON.stringify(response ?? null);
}

function turnOf({ role, parts = [] }: { role?: string; parts?: Part[] }): Turn {
  const results = parts.flatMap((part) =>
    part.functionResponse ? [resultOf(part.functionResponse.response)] : [],
  );
  const calls = parts.flatMap((part) =>
    part.functionCall ? [{ tool: part.functionCall.name, input: part.functionCall.args ?? {} }] : [],
  );
  const text = parts.flatMap((part) => (part.text === undefined ? [] : [part.text])).join('\n');
  if (role === 'model') return { role: 'assistant', text, results, calls };
  return { role: results.length > 0 && text === '' ? 'tool' : 'user', text, results, calls };
}

export const gemini: Dialect = {
  name: 'gemini',

  matches: (path) => /\/models\/[^/]+:(stream)?generateContent$/i.test(path),

  read(input, path): Conversation {
    const body = input as Body;
    return {
      model: /\/models\/([^/:]+):/.exec(path)?.[1] ?? '',
      stream: /:streamGenerateContent$/.test(path),
      turns: (body.contents ?? []).map(turnOf),
      tools: (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []).map((one) => one.name),
    };
  },

  error: (status) => ({
    error: {
      code: status,
      message: `scripted error ${status}`,
      status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL',
    },
  }),

  async write(out: Output, input, conversation, pieces) {
    const promptTokenCount = tokensOf((input as Body).contents);
    let candidatesTokenCount = 0;
    const response = (parts: unknown[], finishReason?: string) => ({
      candidates: [
        { content: { role: 'model', parts }, index: 0, ...(finishReason ? { finishReason } : {}) },
      ],
      usageMetadata: {
        promptTokenCount,
        candidatesTokenCount,
        totalTokenCount: promptTokenCount + candidatesTokenCount,
      },
      modelVersion: conversation.model,
    });
    const start = () => {
      if (conversation.stream) out.open(200, 'text/event-stream');
    };
    const all: unknown[] = [];
    out.onWait(start);
    for await (const piece of pieces) {
      if (piece.type === 'error') {
        if (out.opened) out.text(`data: ${JSON.stringify(gemini.error(piece.status))}\r\n\r\n`);
        else out.json(piece.status, gemini.error(piece.status));
        return;
      }
      if (piece.type === 'cut') {
        out.cut();
        return;
      }
      start();
      if (piece.type === 'garbage') {
        if (conversation.stream) out.text('data: {"candidates":[\r\n\r\n');
        else out.raw(200, 'application/json', '{"candidates":[');
        return;
      }
      const part = partOf(piece);
      candidatesTokenCount += tokensOf(part);
      all.push(part);
      if (conversation.stream) out.text(`data: ${JSON.stringify(response([part]))}\r\n\r\n`);
    }
    start();
    if (conversation.stream) out.text(`data: ${JSON.stringify(response([{ text: '' }], 'STOP'))}\r\n\r\n`);
    else out.json(200, response(all, 'STOP'));
  },
};

function partOf(piece: Extract<Piece, { block: number }>): Record<string, unknown> {
  if (piece.type === 'call') {
    // Arguments are an object here: broken ones can only be of the wrong kind.
    const broken = piece.json !== JSON.stringify(piece.input);
    return { functionCall: { name: piece.tool, args: broken ? piece.json : piece.input } };
  }
  return piece.type === 'text' ? { text: piece.text } : { text: piece.text, thought: true };
}
