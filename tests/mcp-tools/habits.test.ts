/** Arguments as clients write them: null for what is left out, JSON text for what is no text. */
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asMeant } from '../../src/mcp-tools/habits.ts';
import type { ObjectSchema } from '../../src/mcp-tools/tool.ts';
import { Engine } from './engine.ts';
import { actor, Rig, tempDir } from './rig.ts';

const schema: ObjectSchema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    share: { type: 'number' },
    yes: { type: 'boolean' },
    list: { type: 'array', items: { type: 'string' } },
    counts: { type: 'array', items: { type: 'integer' } },
    inner: { type: 'object', properties: { yes: { type: 'boolean' } } },
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    word: { type: 'string', enum: ['true', 'false'] },
  },
  required: ['text'],
};

describe('arguments are taken as they are meant', () => {
  it.each([
    ['null for what is optional', { text: 'a', count: null, list: null }, { text: 'a' }],
    ['a number', { count: '5' }, { count: 5 }],
    ['a whole number with a fraction of nothing', { count: '5.0' }, { count: 5 }],
    ['a fraction', { share: ' 0.5 ' }, { share: 0.5 }],
    ['a truth value', { yes: 'false' }, { yes: false }],
    ['a list', { list: '["a","b"]' }, { list: ['a', 'b'] }],
    ['a list of numbers', { counts: '["1", 2]' }, { counts: [1, 2] }],
    ['items', { counts: ['1', '2'] }, { counts: [1, 2] }],
    ['an object', { inner: '{"yes":"true"}' }, { inner: { yes: true } }],
    ['the arguments as a whole', '{"text":"a","count":"1"}', { text: 'a', count: 1 }],
  ])('%s', (_what, given, meant) => {
    expect(asMeant(given, schema)).toEqual(meant);
  });

  it.each([
    ['a text that looks like a number', { text: '5' }],
    ['a text that looks like a list', { text: '["a"]' }],
    ['a text that says null', { text: 'null', count: 'null' }],
    ['a choice of words', { word: 'true' }],
    ['where a text is possible, too', { either: '5' }],
    ['a list of texts', { list: ['5', 'true', '["a"]'] }],
    ['no JSON', { count: 'five', yes: 'yes', list: 'a,b' }],
    ['JSON of another type', { count: '[5]', yes: '1', list: '"a"', share: 'true', inner: '[]' }],
    ['a fraction for a whole number', { count: '5.5' }],
    ['null for what is required', { text: null }],
    ['null for what is unknown', { colour: null }],
    ['no object at all', [1]],
  ])('but not %s', (_what, given) => {
    expect(asMeant(given, schema)).toEqual(given);
  });

  it('and a member called __proto__ is refused as any unknown one', () => {
    const given = asMeant(JSON.parse('{"text":"a","__proto__":{"count":1}}'), schema);
    expect(Object.keys(given as object)).toEqual(['text', '__proto__']);
  });
});

describe('over a real door', () => {
  let rig: Rig;
  let engine: Engine;

  beforeEach(async () => {
    rig = new Rig(tempDir());
    await rig.openRunDoor();
    engine = new Engine(rig.socketPath);
    await engine.handshake();
  });

  afterEach(async () => {
    await engine.stop();
    await rig.close();
    fs.rmSync(rig.dir, { recursive: true });
  });

  const content = async (tool: string, args: unknown) =>
    (await engine.reply(engine.call(tool, args))).result.structuredContent;

  it('a client that writes everything as text stores, finds, reads and acknowledges', async () => {
    await content('aether_memory_store', { text: '5', tags: '["a","b"]', key: null, scope: null });
    const found = await content('aether_memory_search', {
      query: '5',
      limit: '5',
      tags: '["a"]',
      scope: null,
    });
    expect(found).toMatchObject({ total: 1, memories: [{ text: '5', tags: ['a', 'b'] }] });
    rig.mailboxes.send(actor('agent:bob'), { to: 'ada', subject: 's', body: 'b' }, ['ada']);
    const inbox = await content('aether_mail_inbox', { unreadOnly: 'true', limit: null });
    expect(inbox.messages).toHaveLength(1);
    const ids = [inbox.messages[0].id];
    expect(await content('aether_mail_ack', { ids: JSON.stringify(ids) })).toEqual({
      acked: ids,
      already: [],
    });
    expect(
      await content('aether_ask_operator', { question: 'q', choices: '["a","b"]', waitSeconds: '0' }),
    ).toMatchObject({
      status: 'pending',
    });
    expect(rig.approvals.list()[0]?.detail.choices).toEqual(['a', 'b']);
  });

  it('null for what is required is named as missing', async () => {
    const { result } = await engine.reply(
      engine.call('aether_memory_search', { query: null, limit: 'many' }),
    );
    expect(result.content[0].text).toMatch(
      /"query" must be text, not null; "limit" must be a (?:whole )?number/,
    );
  });
});
