/**
 * Malformed messages, in both eras, through the real bridge and a real door: what has an id is answered exactly
 * once, what has none is not, and nothing of it counts as an open request afterwards.
 */
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { readIncoming } from '../../src/mcp-tools/transports/incoming.ts';
import { Engine, envelope } from './engine.ts';
import { Rig, tempDir, until } from './rig.ts';

type Era = 'legacy' | 'modern';

let rig: Rig;
let engine: Engine;

beforeEach(async () => {
  rig = new Rig(tempDir());
  await rig.openRunDoor();
  engine = new Engine(rig.socketPath);
});

afterEach(async () => {
  await engine.stop();
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});

const INVALID = -32600;
const NO_METHOD = -32601;
const PARAMS = -32602;
const PARSE = -32700;
const OK = 0;

/** `code`: of the one answer; null: there is none; two: legacy, modern. `id`: as the answer's text has it. */
type Case = [what: string, line: string, code: number | null | [number, number], id?: string];

const message = (members: string) => `{"jsonrpc":"2.0",${members}}`;
/** META stands for what the era wants in `_meta`. */
const call = (params: string) => message(`"id":"x","method":"tools/call","params":{META${params}}`);
const LIST = '"name":"aether_agents_list"';

const cases: Case[] = [
  ['params null', message('"id":"x","method":"ping","params":null'), [OK, NO_METHOD]],
  ['params a text', message('"id":"x","method":"ping","params":"p"'), PARAMS],
  ['params a number', message('"id":"x","method":"ping","params":5'), PARAMS],
  ['params true', message('"id":"x","method":"ping","params":true'), PARAMS],
  ['params a list', message('"id":"x","method":"ping","params":[1]'), PARAMS],
  ['params an empty list', message('"id":"x","method":"ping","params":[]'), [OK, NO_METHOD]],
  ['_meta null', message('"id":"x","method":"ping","params":{"_meta":null}'), [OK, NO_METHOD]],
  ['_meta a text', message('"id":"x","method":"ping","params":{"_meta":"m"}'), PARAMS],
  ['_meta a number', message('"id":"x","method":"ping","params":{"_meta":5}'), PARAMS],
  ['_meta a list', message('"id":"x","method":"ping","params":{"_meta":[]}'), PARAMS],
  [
    'a null token',
    message('"id":"x","method":"ping","params":{"_meta":{"progressToken":null}}'),
    [OK, NO_METHOD],
  ],
  ['an odd token', message('"id":"x","method":"ping","params":{"_meta":{"progressToken":{}}}'), PARAMS],
  [
    'a fractional token',
    message('"id":"x","method":"ping","params":{"_meta":{"progressToken":1.5}}'),
    PARAMS,
  ],
  [
    'an odd related task',
    message('"id":"x","method":"ping","params":{"_meta":{"io.modelcontextprotocol/related-task":5}}'),
    PARAMS,
  ],
  [
    'an odd version',
    message(
      '"id":"x","method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":5}}',
    ),
    [OK, PARAMS],
  ],
  ['another member', message('"id":"x","method":"tools/list","params":{META"a":1},"extra":1'), OK],
  [
    'a result beside the method',
    message('"id":"x","method":"tools/list","params":{META"a":1},"result":{}'),
    OK,
  ],
  ['no arguments', call(LIST), OK],
  ['arguments null', call(`${LIST},"arguments":null`), OK],
  ['arguments an empty list', call(`${LIST},"arguments":[]`), OK],
  ['arguments as JSON text', call(`${LIST},"arguments":"{}"`), OK],
  ['arguments a text', call(`${LIST},"arguments":"all"`), PARAMS],
  ['arguments a list', call(`${LIST},"arguments":[1]`), PARAMS],
  ['arguments a number', call(`${LIST},"arguments":7`), PARAMS],
  ['a null name', call('"name":null'), PARAMS],
  ['no name', call('"arguments":{}'), PARAMS],
  ['a name that is an object', call('"name":{}'), PARAMS],
  ['an unknown name', call('"name":"constructor"'), PARAMS],
  ['no params of a call', message('"id":"x","method":"tools/call"'), PARAMS],
  ['null params of a call', message('"id":"x","method":"tools/call","params":null'), PARAMS],
  ['a null task', call(`${LIST},"task":null`), OK],
  ['an odd task', call(`${LIST},"task":5`), PARAMS],
  ['an odd ttl', call(`${LIST},"task":{"ttl":"long"}`), PARAMS],
  ['null retry members', call(`${LIST},"inputResponses":null,"requestState":null`), OK],
  ['odd input responses', call(`${LIST},"inputResponses":5`), PARAMS],
  ['an odd request state', call(`${LIST},"requestState":{}`), PARAMS],
  ['a null cursor', message('"id":"x","method":"tools/list","params":{META"cursor":null}'), OK],
  ['a cursor that is a number', message('"id":"x","method":"tools/list","params":{META"cursor":5}'), PARAMS],
  ['an unknown method', message('"id":"x","method":"tools/destroy","params":{META"a":1}'), NO_METHOD],
  ['an empty method', message('"id":"x","method":"","params":{META"a":1}'), NO_METHOD],
  ['a method of every object', message('"id":"x","method":"__proto__","params":{META"a":1}'), NO_METHOD],
  ['another one', message('"id":"x","method":"toString","params":{META"a":1}'), NO_METHOD],
  ['a method that is a number', message('"id":"x","method":5'), INVALID],
  ['a method that is null', message('"id":"x","method":null'), INVALID],
  ['a method that is a list', message('"id":"x","method":["ping"]'), INVALID],
  ['no method', message('"id":"x"'), INVALID],
  ['no method and no id', message('"a":1'), INVALID, 'null'],
  ['an older JSON-RPC', '{"jsonrpc":"1.0","id":"x","method":"ping"}', INVALID],
  ['jsonrpc a number', '{"jsonrpc":2.0,"id":"x","method":"ping"}', INVALID],
  ['jsonrpc null', '{"jsonrpc":null,"id":"x","method":"ping"}', INVALID],
  ['no jsonrpc', '{"id":"x","method":"ping"}', INVALID],
  ['an id null', message('"id":null,"method":"ping"'), INVALID, 'null'],
  ['an id that is an object', message('"id":{"a":1},"method":"ping"'), INVALID, 'null'],
  ['an id that is a list', message('"id":[1],"method":"ping"'), INVALID, 'null'],
  ['an id that is true', message('"id":true,"method":"ping"'), INVALID, 'null'],
  ['a fractional id', message('"params":{"id":3},"id":1.5,"method":"ping"'), INVALID, '1.5'],
  ['an id over 2^53', message('"id":12345678901234567890,"method":"ping"'), INVALID, '12345678901234567890'],
  ['an id beyond every number', message('"id":1e400,"method":"ping"'), INVALID, '1e400'],
  ['an id below zero', message('"id":-7,"method":"tools/list","params":{META"a":1}'), OK, '-7'],
  ['the id 0', message('"id":0,"method":"tools/list","params":{META"a":1}'), OK, '0'],
  [
    'the largest id',
    message('"id":9007199254740991,"method":"tools/list","params":{META"a":1}'),
    OK,
    '9007199254740991',
  ],
  ['an empty id', message('"id":"","method":"tools/list","params":{META"a":1}'), OK, '""'],
  [
    'an id in quotes',
    message('"id":"a\\"\\\\b","method":"tools/list","params":{META"a":1}'),
    OK,
    '"a\\"\\\\b"',
  ],
  [
    'an id that is half a character',
    message('"id":"\\ud800","method":"tools/list","params":{META"a":1}'),
    OK,
    '"\\ud800"',
  ],
  [
    'an id of every object',
    message('"id":"__proto__","method":"tools/list","params":{META"a":1}'),
    OK,
    '"__proto__"',
  ],
  [
    'a long id',
    message(`"id":"${'i'.repeat(100_000)}","method":"ping","params":5`),
    PARAMS,
    JSON.stringify('i'.repeat(100_000)),
  ],
  ['a batch', `[${message('"id":"x","method":"ping"')}]`, INVALID, 'null'],
  ['an empty batch', '[]', INVALID, 'null'],
  ['a text', '"ping"', INVALID, 'null'],
  ['a number', '5', INVALID, 'null'],
  ['null', 'null', INVALID, 'null'],
  ['half a message', '{"jsonrpc":"2.0","id":"x","method":', PARSE, 'null'],
  ['a byte order mark', `\uFEFF${message('"id":"x","method":"tools/list","params":{META"a":1}')}`, OK],
  [
    'a notification with an id',
    message('"id":"x","method":"notifications/cancelled","params":{META"requestId":1}'),
    NO_METHOD,
  ],
  [
    'another one with an id',
    message('"id":"x","method":"notifications/initialized","params":{META"a":1}'),
    NO_METHOD,
  ],
  ['a request without an id', message('"method":"tools/list","params":{META"a":1}'), null],
  ['a response to nothing', message('"id":"x","result":{}'), null],
  ['an error to nothing', message('"id":"x","error":{"code":1,"message":"m"}'), null],
  ['an odd response', message('"id":"x","result":5'), null],
  ['an odd error', message('"id":{},"error":"e"'), null],
  [
    'an unknown cancelled',
    message('"method":"notifications/cancelled","params":{"requestId":"nobody"}'),
    null,
  ],
  ['nothing cancelled', message('"method":"notifications/cancelled","params":null'), null],
  [
    'an odd one cancelled',
    message('"method":"notifications/cancelled","params":{"requestId":{},"reason":5}'),
    null,
  ],
  ['a notification with odd params', message('"method":"notifications/initialized","params":[1,2]'), null],
  [
    'a notification with odd _meta',
    message('"method":"notifications/initialized","params":{"_meta":7}'),
    null,
  ],
  ['an unknown notification', message('"method":"notifications/nothing","params":{}'), null],
  [
    'a subscription without a filter',
    message('"id":"x","method":"subscriptions/listen","params":{META"a":1}'),
    [NO_METHOD, PARAMS],
  ],
  [
    'a handshake with null capabilities of it',
    message(
      '"id":"x","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":null},"clientInfo":{"name":"n","version":"1","title":null}}',
    ),
    [OK, -32022],
  ],
  [
    'a handshake with odd capabilities',
    message(
      '"id":"x","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":5},"clientInfo":{"name":"n","version":"1"}}',
    ),
    [PARAMS, -32022],
  ],
  ['arguments nested deep', call(`${LIST},"arguments":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`), OK],
];

async function open(era: Era): Promise<void> {
  if (era === 'legacy') await engine.handshake();
  else expect((await engine.reply(engine.modern('tools/list'))).result.tools.length).toBeGreaterThan(0);
}

function good(era: Era): number {
  const params = { name: 'aether_agents_list', arguments: {} };
  return era === 'legacy' ? engine.request('tools/call', params) : engine.modern('tools/call', params);
}

describe.each(['legacy', 'modern'] as const)('in the %s era', (era) => {
  const meta = era === 'legacy' ? '' : `"_meta":${JSON.stringify(envelope())},`;

  it(`each of ${cases.length} forms is answered once where it has an id, and 1,024 good calls pass after them`, async () => {
    await open(era);
    const texts: string[] = [];
    engine.process.stdout!.on('data', (text: string) => texts.push(text));
    const found: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const [what, line, code, id = '"x"'] of cases) {
      const from = texts.length;
      engine.raw(`${line.replace('META', meta)}\n`);
      const after = good(era);
      await engine.reply(after);
      const lines = texts.slice(from).join('').split('\n').filter(Boolean);
      const others = lines.filter((one) => !one.startsWith(`{"jsonrpc":"2.0","id":${after},`));
      const reply = others.length === 1 ? (JSON.parse(others[0]!) as { error?: { code: number } }) : null;
      const due = Array.isArray(code) ? code[era === 'legacy' ? 0 : 1] : code;
      found[what] = [
        others.length,
        reply === null ? null : others[0]!.startsWith(`{"jsonrpc":"2.0","id":${id},`),
        reply === null ? null : (reply.error?.code ?? OK),
      ];
      expected[what] = due === null ? [0, null, null] : [1, true, due];
    }
    expect(found).toEqual(expected);
    const calls = Array.from({ length: limits.mcp_unanswered_max }, () => good(era));
    await until(() => calls.every((id) => engine.replies(id).length > 0), 30_000);
    expect(calls.filter((id) => engine.replies(id)[0]!.result === undefined)).toEqual([]);
  }, 60_000);
});

describe('a message of the legacy era', () => {
  it('that reuses the id of a cancelled request right away is answered, and its request is open no more', async () => {
    await open('legacy');
    const lines: string[] = [];
    const ask = (n: number) =>
      `"id":"c","method":"tools/call","params":{"name":"aether_ask_operator","arguments":{"question":"q${n}"}}`;
    for (let n = 0; n < 20; n += 1) {
      lines.push(message(ask(n)), message('"method":"notifications/cancelled","params":{"requestId":"c"}'));
    }
    lines.push(message('"id":"c","method":"ping"'));
    engine.raw(`${lines.join('\n')}\n`);
    expect((await engine.reply('c')).result).toEqual({});
    expect(engine.replies('c')).toHaveLength(1);
    await engine.reply(good('legacy'));
    expect(rig.approvals.list()).toEqual([]);
  });

  it('is refused in words, not with the issues of a schema', () => {
    for (const [what, line] of cases) {
      if (what === 'half a message' || what === 'a byte order mark') continue;
      const incoming = readIncoming(line.replace('META', ''));
      if (incoming.kind === 'refused') expect(incoming.why, what).toMatch(/^[^[{]{20}/);
    }
  });
});
