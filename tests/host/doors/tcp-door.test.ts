/** The port that anybody may connect to, with real connections and virtual time. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RefusalReport } from '../../../src/host/doors/refusals.ts';
import { TcpDoor } from '../../../src/host/doors/tcp-door.ts';
import { VirtualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';

let server: Server;
let door: TcpDoor;
let clock: VirtualClock;
let accepted: Socket[];
let reports: RefusalReport[];
const mine: Socket[] = [];

beforeEach(async () => {
  clock = new VirtualClock();
  accepted = [];
  reports = [];
  server = createServer((socket) => accepted.push(socket.on('error', () => undefined)));
  door = new TcpDoor(server, {
    name: 'console',
    known_max: 2,
    newcomers_max: 3,
    newcomer_ms: 1_000,
    clock,
    report: (report) => reports.push(report),
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  door.close();
  for (const socket of mine.splice(0)) socket.destroy();
  server.close();
});

async function arrive(): Promise<{ far: Socket; near: Socket }> {
  const { port } = server.address() as { port: number };
  const count = accepted.length;
  const far = connect(port, '127.0.0.1');
  far.on('error', () => undefined).resume();
  mine.push(far);
  await eventually('it is accepted', () => accepted.length > count);
  return { far, near: accepted.at(-1)! };
}

test('one newcomer too many takes the place of the oldest; who has signed in stays', async () => {
  const browser = await arrive();
  expect(door.known(browser.near)).toBe(true);
  const first = await arrive();
  const others = [await arrive(), await arrive(), await arrive()];
  await eventually('the oldest is closed', () => first.far.destroyed);
  expect([browser.near.destroyed, ...others.map(({ near }) => near.destroyed)]).toEqual(Array(4).fill(false));
  expect([door.newcomers, door.connections]).toEqual([3, 4]);
});

test('a newcomer has so long to sign in, from when it came', async () => {
  const early = await arrive();
  clock.advance(600);
  const late = await arrive();
  const browser = await arrive();
  door.known(browser.near);
  clock.advance(400);
  expect([early.near.destroyed, late.near.destroyed]).toEqual([true, false]);
  clock.advance(600);
  expect([late.near.destroyed, browser.near.destroyed]).toEqual([true, false]);
  expect(door.newcomers).toBe(0);
});

test('places of those who have signed in are bounded, too', async () => {
  const all = [await arrive(), await arrive(), await arrive()];
  expect(all.map(({ near }) => door.known(near))).toEqual([true, true, false]);
  expect(door.known(all[0]!.near)).toBe(true);
  all[0]!.far.destroy();
  await eventually('its place is free', () => door.connections === 1);
  expect(door.known((await arrive()).near)).toBe(true);
});

test('a newcomer has one request at a time', async () => {
  const { near } = await arrive();
  expect(door.mayAsk(near)).toBe(true);
  door.answered(near);
  expect(door.mayAsk(near)).toBe(true);
  expect(door.mayAsk(near)).toBe(false);
  expect(near.destroyed).toBe(true);
  const browser = await arrive();
  door.known(browser.near);
  expect([door.mayAsk(browser.near), door.mayAsk(browser.near)]).toEqual([true, true]);
});

test('a flood is two reports, not one for each connection', async () => {
  for (let more = 0; more < 30; more += 1) await arrive();
  clock.advance(500);
  door.close();
  expect(reports.map(({ phase }) => phase)).toEqual(['first', 'flood', 'over']);
  expect(reports.reduce((sum, { refused }) => sum + refused, 0)).toBe(27);
});
