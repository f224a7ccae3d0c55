/**
 * The loop as an MCP client of the aether server, like any other engine: it starts the command it was given and speaks
 * over stdio. The host behind that command may be replaced without this side noticing; when the command itself dies it
 * is started again at the next use.
 */
import { type CallToolResult, Client, type Tool } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { JSONSchema7, JSONValue } from 'ai';
import { cutText } from '../../../host/text.ts';
import { errorResult, type LoopTool, type ToolResult, type ToolRun } from './tools/tool.ts';

export const SERVER_NAME = 'aether';
const REVISION = '2026-07-28';

/** A call may wait for a person's answer or for a host that is being restarted. */
const CALL_MS_MAX = 600_000;
const CONNECT_MS_MAX = 60_000;
const RESULT_CHARS_MAX = 200_000;

/**
 * Asks for the revision in the one process that there is: of its own class the client would start a second one for that
 * question, as some servers end at it. Ours does not.
 */
class BridgeTransport extends StdioClientTransport {}

export type McpStatus = 'connected' | 'failed' | 'disconnected';

export class AetherServer {
  readonly #command: { command: string; args: string[]; env: Record<string, string> };
  readonly #onStatus: (status: McpStatus, why: string | null) => void;
  #client: Promise<Client> | null = null;
  #tools: LoopTool[] = [];
  #closed = false;

  constructor(
    command: { command: string; args: string[]; env: Record<string, string> },
    onStatus: (status: McpStatus, why: string | null) => void,
  ) {
    this.#command = command;
    this.#onStatus = onStatus;
  }

  /** Tools as the server listed them when it was last connected. */
  get tools(): LoopTool[] {
    return this.#tools;
  }

  /** Connects unless it is. A failure is told as status, not thrown: the agent still has its local tools. */
  async ensure(): Promise<void> {
    await this.#connected().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => null);
    await client?.close();
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = null;
      this.#onStatus('failed', error instanceof Error ? error.message : String(error));
      throw error;
    });
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const client = new Client(
      { name: 'aether-builtin', version: '1' },
      {
        versionNegotiation: { mode: { pin: REVISION } },
        // Grants may be edited while the agent runs.
        listChanged: { tools: { onChanged: (_error, tools) => tools && this.#offer(tools) } },
      },
    );
    const transport = new BridgeTransport({ ...this.#command, stderr: 'inherit' });
    await client.connect(transport, { timeout: CONNECT_MS_MAX });
    client.onclose = () => {
      this.#client = null;
      if (!this.#closed) this.#onStatus('disconnected', null);
    };
    const { tools } = await client.listTools(undefined, { timeout: CONNECT_MS_MAX });
    this.#offer(tools);
    this.#onStatus('connected', null);
    return client;
  }

  #offer(tools: Tool[]): void {
    this.#tools = tools.map((tool) => ({
      name: tool.name,
      description: tool.description ?? '',
      schema: tool.inputSchema as JSONSchema7,
      readOnly: tool.annotations?.readOnlyHint === true,
      granted: true,
      subject: () => null,
      run: (input, run) => this.#call(tool.name, input, run),
    }));
  }

  async #call(name: string, input: unknown, { signal, toolUseId }: ToolRun): Promise<ToolResult> {
    const client = await this.#connected();
    const result = await client.callTool(
      {
        name,
        arguments: (input ?? {}) as Record<string, unknown>,
        _meta: { 'aether/toolUseId': toolUseId },
      },
      { signal, timeout: CALL_MS_MAX },
    );
    return toolResult(result);
  }
}

/** What the model gets: the structured content where there is any, as it says everything; else the text. */
export function toolResult(result: CallToolResult): ToolResult {
  const text =
    result.structuredContent === undefined ? textOf(result) : JSON.stringify(result.structuredContent);
  if (text.length > RESULT_CHARS_MAX) {
    const kept = cutText(text, { chars_max: RESULT_CHARS_MAX });
    const cut = `${kept}\n[${text.length - kept.length} characters left out]`;
    return { ...errorResult(cut), isError: result.isError === true };
  }
  if (result.isError) return errorResult(textOf(result) || text);
  return result.structuredContent === undefined
    ? { output: { type: 'text', value: text }, text, isError: false }
    : { output: { type: 'json', value: result.structuredContent as JSONValue }, text, isError: false };
}

function textOf(result: CallToolResult): string {
  return result.content
    .map((block) => {
      switch (block.type) {
        case 'text':
          return block.text;
        case 'resource':
          return 'text' in block.resource ? block.resource.text : `[resource ${block.resource.uri}]`;
        case 'resource_link':
          return `[resource ${block.uri}]`;
        default:
          return `[${block.type} ${block.mimeType}]`;
      }
    })
    .join('\n');
}
