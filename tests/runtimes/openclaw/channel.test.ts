/** The driver's WebSockets against gateways that misbehave, and the door against terminals that have no ticket. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type WebSocket as Socket, WebSocket, WebSocketServer } from 'ws';
import { Channel } from '../../../src/runtimes/openclaw/driver/channel.ts';
import { Door } from '../../../src/runtimes/openclaw/driver/door.ts';
import { eventually } from '../../support/eventually.ts';

const TOKEN = 'the-token-of-the-gateway';
const KEY = 'the-key-of-the-gateway';

interface Request {
  id: string;
  method: string;
  params: Record<string, unknown>;
}

interface Gateway {
  port: number;
  requests: Request[];
  sockets: Socket[];
}

const challenge = JSON.stringify({
  type: 'event',
  event: 'connect.challenge',
  payload: { nonce: 'n', ts: 1 },
});

/** @param answer what it says to a request; undefined: nothing */
async function gateway(
  answer: (request: Request, socket: Socket) => object | undefined,
  { silent = false } = {},
): Promise<Gateway> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const made: Gateway = { port: (server.address() as { port: number }).port, requests: [], sockets: [] };
  server.on('connection', (socket) => {
    made.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const request = JSON.parse(data.toString()) as Request;
      made.requests.push(request);
      const said = answer(request, socket);
      if (said !== undefined) socket.send(JSON.stringify({ type: 'res', id: request.id, ...said }));
    });
    if (!silent) socket.send(challenge);
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return made;
}

const greets = ({ method }: Request): object | undefined =>
  method === 'connect' ? { ok: true, payload: { protocol: 4 } } : undefined;

function channelTo(port: number, waits: { request_ms?: number; starting_ms?: number } = {}) {
  const events: [string, unknown][] = [];
  const lost: string[] = [];
  const channel = new Channel({ port, token: TOKEN, key: KEY }, '0.0.0', {
    event: (name, payload) => events.push([name, payload]),
    lost: (why) => lost.push(why),
    ...waits,
  });
  onTestFinished(() => channel.close());
  return { channel, events, lost };
}

describe('the channel', () => {
  test('waits while the gateway is starting, and shows the token only in its greeting', async () => {
    let tries = 0;
    const { port, requests } = await gateway((request) => {
      tries += 1;
      return tries < 3
        ? { ok: false, error: { code: 'UNAVAILABLE', message: 'gateway starting', retryable: true } }
        : greets(request);
    });
    const { channel } = channelTo(port);
    await channel.connect();
    expect(requests.map(({ method }) => method)).toEqual(['connect', 'connect', 'connect']);
    expect(requests[0]!.params).toMatchObject({ minProtocol: 4, maxProtocol: 4, auth: { token: TOKEN } });
  });

  test('does not go on with a protocol from the future, or with a token that is not taken', async () => {
    const { port } = await gateway(() => ({
      ok: false,
      error: { code: 'INVALID_REQUEST', message: 'protocol mismatch: expected 7', retryable: false },
    }));
    await expect(channelTo(port).channel.connect()).rejects.toThrow(/protocol mismatch/);
  });

  test('does not wait for ever for a gateway that accepts and never answers', async () => {
    const { port } = await gateway(greets);
    const { channel } = channelTo(port, { request_ms: 100 });
    await channel.connect();
    await expect(channel.call('chat.send', {})).rejects.toMatchObject({ known: false });
  });

  test.each([
    ['greets', { silent: true }],
    ['answers its greeting', { silent: false }],
  ])('does not wait for ever for one that never %s', async (_name, how) => {
    const { port } = await gateway(() => undefined, how);
    const { channel } = channelTo(port, { starting_ms: 150 });
    await expect(channel.connect()).rejects.toThrow(/said nothing for 0.15 seconds/);
  });

  test('does not wait for ever for what takes connections and is no gateway', async () => {
    const server = createServer(() => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    await expect(channelTo(port, { starting_ms: 150 }).channel.connect()).rejects.toThrow(/said nothing/);
  });

  test('is ended by a frame of 50 MB and made again, without what it asked being called refused', async () => {
    const { port, sockets } = await gateway(greets);
    const { channel, lost } = channelTo(port);
    await channel.connect();
    const asked = channel.call('chat.send', {}).catch((error: unknown) => error);
    sockets[0]!.send(
      JSON.stringify({ type: 'event', event: 'chat', payload: { text: 'x'.repeat(50 * 1024 * 1024) } }),
    );
    await eventually('it is lost', () => lost.length === 1, 30_000);
    expect(await asked).toMatchObject({ known: false });
    await channel.connect();
    expect(sockets).toHaveLength(2);
  });

  test('passes over what is no frame', async () => {
    const { port, sockets } = await gateway(greets);
    const { channel, events } = channelTo(port);
    await channel.connect();
    for (const text of ['', 'null', '[]', '{', '{"type":"res","id":"99"}', '{"type":"event"}', '"x"'])
      sockets[0]!.send(text);
    sockets[0]!.send(JSON.stringify({ type: 'event', event: 'chat', payload: [] }));
    await eventually('the last is there', () => events.length === 1);
    expect(events).toEqual([['chat', {}]]);
  });
});

describe('the door', () => {
  const TICKET = 'the-ticket-of-the-terminal';
  const digest = createHash('sha256').update(TICKET).digest('hex');
  const hello = (token: string) =>
    JSON.stringify({
      type: 'req',
      id: '1',
      method: 'connect',
      params: { client: { id: 'openclaw-tui', mode: 'ui' }, auth: { token }, device: { id: 'd' } },
    });

  async function opened() {
    const inside = await gateway(greets);
    const door = new Door({ port: inside.port, token: TOKEN, key: KEY });
    onTestFinished(() => door.close());
    const port = await door.listen();
    const knock = async (token: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      const said: string[] = [];
      const closed = once(socket, 'close');
      socket.on('message', (data) => said.push(data.toString()));
      await once(socket, 'open');
      socket.send(hello(token));
      return { socket, said, closed };
    };
    return { inside, door, knock };
  }

  test('lets a terminal in by its ticket, which the gateway never sees, nor the terminal the token', async () => {
    const { inside, door, knock } = await opened();
    door.admit(digest);
    const { said, socket } = await knock(TICKET);
    await eventually('it is greeted', () => said.some((text) => text.includes('"ok":true')));
    expect(inside.requests[0]!.params).toEqual({
      client: { id: 'gateway-client', mode: 'backend' },
      auth: { token: TOKEN },
    });
    expect(said.join()).not.toContain(TOKEN);
    socket.terminate();
  });

  test('is shut before a ticket is made, to another ticket, and to the one of before', async () => {
    const { inside, door, knock } = await opened();
    await (await knock(TICKET)).closed;
    door.admit(digest);
    const first = await knock(TICKET);
    await eventually('it is in', () => inside.requests.length === 1);
    for (const token of [TOKEN, digest, '', 'x'.repeat(10_000)]) await (await knock(token)).closed;
    door.admit(createHash('sha256').update('the next one').digest('hex'));
    await first.closed;
    await (await knock(TICKET)).closed;
    expect(inside.requests).toHaveLength(1);
  });
});
