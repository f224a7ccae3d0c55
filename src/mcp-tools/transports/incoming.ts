/**
 * What one JSON-RPC message of a client is. The SDK drops a message that its schema rejects without an answer, so
 * everything with an id is judged here first: what the SDK takes is passed on, anything else becomes an error that
 * says what to send. Members that MCP does not know are left out, and `null` counts as absent, as many clients
 * serialise an optional field so.
 */
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';

const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const INVALID_PARAMS = -32602;

type Fields = Record<string, unknown>;

export type Incoming =
  | { kind: 'request'; id: RequestId; message: JSONRPCMessage }
  | { kind: 'notification'; cancels?: RequestId; message: JSONRPCMessage }
  /** A response: the host asks its clients nothing. A cancellation of nothing. */
  | { kind: 'ignored' }
  /** `id` is JSON text, because a number that JavaScript cannot hold is echoed digit by digit. */
  | { kind: 'refused'; id: string; code: number; why: string };

export function readIncoming(json: string): Incoming {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refused('null', PARSE_ERROR, 'Parse error: the line is not valid JSON.');
  }
  if (!isFields(value)) {
    return refused('null', INVALID_REQUEST, 'one JSON-RPC object per line; batches are not served.');
  }
  const { id, method } = value;
  const invalid = (why: string) => refused(idText(id, json), INVALID_REQUEST, why);
  const response = 'result' in value || 'error' in value;
  if (response && (method === undefined || method === null)) return { kind: 'ignored' };
  if (value.jsonrpc !== '2.0')
    return invalid('not a JSON-RPC 2.0 message: "jsonrpc" must be the text "2.0".');
  if (typeof method !== 'string') {
    return invalid(`not a JSON-RPC 2.0 message: "method" must be a text, not ${kindOf(method)}.`);
  }
  if (id === undefined) return notification(method, value.params);
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) {
    return invalid('an id is a string or a number without a fraction, at most 2^53 - 1.');
  }
  return request(id as RequestId, method, value.params);
}

function request(id: RequestId, method: string, given: unknown): Incoming {
  const bad = (why: string) => refused(JSON.stringify(id), INVALID_PARAMS, why);
  const fault = method === 'initialize' ? handshakeFault(given) : null;
  if (fault !== null) return bad(fault);
  const params = isEmpty(given) ? undefined : given;
  if (params === undefined) {
    if (method === 'tools/call') return bad(CALL_SHAPE);
    return { kind: 'request', id, message: { jsonrpc: '2.0', id, method } };
  }
  if (!isFields(params)) return bad(`${quoted(method)}: params must be an object, not ${kindOf(params)}.`);
  dropNulls(params, method === 'tools/call' ? 'arguments' : null);
  const why = metaFault(params._meta) ?? retryFault(params) ?? PARAMS_FAULTS.get(method)?.(params) ?? null;
  if (why !== null) return bad(`${quoted(method)}: ${why}`);
  return { kind: 'request', id, message: { jsonrpc: '2.0', id, method, params } };
}

function notification(method: string, given: unknown): Incoming {
  const params = isFields(given) ? given : {};
  dropNulls(params, null);
  if (metaFault(params._meta) !== null) delete params._meta;
  const message: JSONRPCMessage = { jsonrpc: '2.0', method, params };
  if (method !== 'notifications/cancelled') return { kind: 'notification', message };
  const { requestId, reason } = params;
  if (typeof requestId !== 'string' && !Number.isSafeInteger(requestId)) return { kind: 'ignored' };
  if (typeof reason !== 'string') delete params.reason;
  return { kind: 'notification', cancels: requestId as RequestId, message };
}

/* ---------- params ---------- */

const CALL_SHAPE = 'tools/call: params must be { name, arguments }; tools/list has the names.';

const PARAMS_FAULTS = new Map<string, (params: Fields) => string | null>([
  ['tools/call', callFault],
  ['tools/list', listFault],
]);

function callFault(params: Fields): string | null {
  if (typeof params.name !== 'string') {
    return `"name" must be the name of a tool, as text, not ${kindOf(params.name)}; tools/list has the names.`;
  }
  if (isEmpty(params.arguments)) delete params.arguments;
  else if (typeof params.arguments === 'string') params.arguments = parsedFields(params.arguments);
  if (params.arguments !== undefined && !isFields(params.arguments)) {
    return `"arguments" must be an object with the tool's arguments, not ${kindOf(params.arguments)}.`;
  }
  const { task } = params;
  if (task !== undefined && !(isFields(task) && (task.ttl === undefined || typeof task.ttl === 'number'))) {
    return '"task" must be an object; its "ttl" a number. This server runs no tasks: leave it out.';
  }
  return null;
}

function listFault({ cursor }: Fields): string | null {
  if (cursor === undefined || typeof cursor === 'string') return null;
  return `"cursor" must be a text that an earlier answer gave, not ${kindOf(cursor)}. Leave it out for the first page.`;
}

/** What the SDK requires of `_meta` in every request. */
function metaFault(meta: unknown): string | null {
  if (meta === undefined) return null;
  if (!isFields(meta)) return `"_meta" must be an object, not ${kindOf(meta)}.`;
  const token = meta.progressToken;
  if (token !== undefined && typeof token !== 'string' && !Number.isSafeInteger(token)) {
    return `"_meta.progressToken" must be a text or a whole number, not ${kindOf(token)}.`;
  }
  const related = meta['io.modelcontextprotocol/related-task'];
  if (related !== undefined && !(isFields(related) && typeof related.taskId === 'string')) {
    return '"_meta.io.modelcontextprotocol/related-task" must be an object with a text "taskId".';
  }
  return null;
}

/** The members with which a client of the modern era repeats a request. */
function retryFault({ inputResponses, requestState }: Fields): string | null {
  if (inputResponses !== undefined && !isFields(inputResponses)) {
    return `"inputResponses" must be an object, not ${kindOf(inputResponses)}.`;
  }
  if (requestState !== undefined && typeof requestState !== 'string') {
    return `"requestState" must be the text of the earlier answer, not ${kindOf(requestState)}.`;
  }
  return null;
}

/** What the SDK would refuse with a list of schema issues, in a sentence. */
function handshakeFault(params: unknown): string | null {
  if (!isFields(params)) return 'initialize needs params: { protocolVersion, capabilities, clientInfo }.';
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== 'string')
    return `initialize: protocolVersion must be a text such as "2025-11-25", not ${kindOf(protocolVersion)}.`;
  if (!isFields(capabilities))
    return `initialize: capabilities must be an object, not ${kindOf(capabilities)}.`;
  if (!isFields(clientInfo) || typeof clientInfo.name !== 'string' || typeof clientInfo.version !== 'string')
    return 'initialize: clientInfo must be an object with a name and a version, both texts.';
  return null;
}

/** The SDK answers params that its schema of a method rejects with an internal error and the schema's issues. */
export function schemaFault(message: string): string | null {
  if (!message.startsWith('[')) return null;
  try {
    const issues = JSON.parse(message) as { path?: unknown[]; message?: string }[];
    const [first] = issues;
    if (first?.path === undefined || typeof first.message !== 'string') return null;
    return `Invalid params: ${first.path.join('.') || 'params'}: ${first.message}.`;
  } catch {
    return null;
  }
}

/* ---------- values ---------- */

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `[]` is how PHP writes an object without members. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function parsedFields(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** In depth, iteratively: a message may be nested deeper than the stack. `except` is a member of the outermost. */
function dropNulls(fields: Fields, except: string | null): void {
  const left: Fields[] = [fields];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    for (const key of Object.keys(one)) {
      const value = one[key];
      if (one === fields && key === except) {
        if (value === null) delete one[key];
      } else if (value === null && !Array.isArray(one)) delete one[key];
      else if (typeof value === 'object' && value !== null) left.push(value as Fields);
    }
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function quoted(method: string): string {
  return method.length <= 64 && /^[\w/-]*$/.test(method) ? method : 'This method';
}

function refused(id: string, code: number, why: string): Incoming {
  return { kind: 'refused', id, code, why: code === INVALID_REQUEST ? `Invalid request: ${why}` : why };
}

/** The id as the client wrote it, where it is a text or a number; otherwise null, as JSON-RPC says. */
function idText(id: unknown, json: string): string {
  if (typeof id === 'string' || Number.isSafeInteger(id)) return JSON.stringify(id);
  return typeof id === 'number' ? (numberText(json) ?? 'null') : 'null';
}

/** The digits of the outermost object's "id". */
function numberText(json: string): string | undefined {
  const digits = new Map<unknown, string>();
  let outermost: unknown;
  try {
    JSON.parse(json, function (...[key, value, context]: unknown[]) {
      if (key === 'id') digits.set(this, (context as { source: string }).source);
      outermost = value;
      return value;
    });
  } catch {} // nested deeper than the stack
  return digits.get(outermost);
}
