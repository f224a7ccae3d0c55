/** The gateway as a child of the driver: programs that begin as OpenClaw's does, on real ports, and some that do not. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DRIVER_PROTOCOL } from '../../../src/runtimes/openclaw/driver/driver-protocol.ts';
import { Gateway } from '../../../src/runtimes/openclaw/driver/gateway.ts';

/** What it does before it listens as one with the gate does. */
function gateway(first: string) {
  const dir = fs.mkdtempSync(join(tmpdir(), 'aether-gateway-'));
  const file = join(dir, 'gateway.mjs');
  fs.writeFileSync(
    file,
    `import fs from 'node:fs';
import { createServer } from 'node:net';
const port = Number(process.argv.at(-1));
const attempts = fs.readdirSync('.').filter((name) => name.startsWith('attempt')).length;
fs.writeFileSync('attempt' + attempts, String(port));
const listen = () => new Promise((done) => createServer().listen(port, '127.0.0.1', done));
${first}
process.send({ type: 'gate' });
await listen();
process.send({ type: 'listening', port });
`,
  );
  const made = new Gateway(
    {
      protocol: DRIVER_PROTOCOL,
      ...{ session: 's', sessionKey: 'k', resumed: false, version: '0.0.0', steps_max: null },
      ...{ gateway: [file], directory: dir, hiddenEnv: [], code: [] },
      permissions: { mode: 'ask', allow: [], deny: [] },
    },
    { notice: () => undefined, ended: () => undefined },
  );
  onTestFinished(async () => {
    await made.stop(0);
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const attempts = () => fs.readdirSync(dir).filter((name) => name.startsWith('attempt')).length;
  return { made, attempts };
}

test('a port that is taken in the last moment is followed by another', async () => {
  const { made, attempts } = gateway('if (attempts === 0) await listen();');
  expect((await made.start()).port).toBeGreaterThan(0);
  expect(attempts()).toBe(2);
});

test('ports that are taken again and again are a clear error', async () => {
  const { made, attempts } = gateway('await listen();');
  await expect(made.start()).rejects.toThrow(/ended while it started \(exit 1\).*EADDRINUSE/);
  expect(attempts()).toBe(3);
});

test('one that ends, or has no gate, is not tried again, and its last words are told', async () => {
  const ends = gateway("console.error('config is broken'); process.exit(78);");
  await expect(ends.made.start()).rejects.toThrow(/exit 78.*config is broken/);
  expect(ends.attempts()).toBe(1);
  const open = gateway("process.send({ type: 'listening', port }); await new Promise(() => {});");
  await expect(open.made.start()).rejects.toThrow(/without the gate/);
  expect(open.attempts()).toBe(1);
});
