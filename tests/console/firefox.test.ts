/** Firefox finds the name of a start by itself, loads the page, and signs in: the link is spent afterwards. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildWeb } from '../support/browser.ts';
import { type ConsoleFixture, consoleFixture, openWith } from '../support/console-client.ts';

const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((place) => existsSync(place));

let home: string;
let fixture: ConsoleFixture;
let web: Awaited<ReturnType<typeof buildWeb>>;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'aether-firefox-'));
  web = await buildWeb();
  fixture = await consoleFixture({ webDir: web.dir });
});
afterEach(async () => {
  await fixture.close();
  await web.remove();
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

/** Its own way to be driven without a driver: it opens an address, draws it and ends. */
function draw(url: string, picture: string): Promise<number | null> {
  const child = spawn(
    FIREFOX!,
    [
      '--headless',
      '--no-remote',
      '--profile',
      home,
      '--window-size',
      '1440,900',
      '--screenshot',
      picture,
      url,
    ],
    { env: { HOME: home, PATH: '/usr/bin:/bin' }, stdio: 'ignore' },
  );
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

test('opens a link', async (context) => {
  if (FIREFOX === undefined) context.skip('There is no Firefox here: `apt-get install -y firefox-esr`.');
  fixture.host.set('coder', {});
  const picture = join(home, 'console.png');
  let answer: unknown;
  // It ends as soon as it has drawn the page, at times before that has signed in.
  for (let attempt = 0; attempt < 3 && answer === undefined; attempt += 1) {
    const link = fixture.console.loginLink();
    expect(await draw(link, picture)).toBe(0);
    expect(statSync(picture).size).toBeGreaterThan(10_000);
    const socket = openWith(link);
    answer = await socket.until(
      () => socket.json.find(({ type }) => type === 'refused')?.error ?? (socket.shown ? null : undefined),
      'what the host says',
    );
    answer ??= undefined;
  }
  expect(answer).toMatchObject({ code: 'console.link', message: expect.stringContaining('used before') });
}, 200_000);
