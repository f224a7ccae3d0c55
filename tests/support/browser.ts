/** A real Chromium on the built console, for tests that look at what a person sees. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const BUILT_WEB = fileURLToPath(new URL('../../dist/console/web', import.meta.url));
const WEB = fileURLToPath(new URL('../../src/console/web', import.meta.url));

/** `AETHER_CHROMIUM`, or where distributions put it. @throws when there is none, naming the mend */
function chromiumPath(): string {
  const places = [
    process.env.AETHER_CHROMIUM,
    // The same engine without the window: less than half the processor time.
    '/usr/bin/chromium-headless-shell',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  const found = places.find((place) => place !== undefined && existsSync(place));
  if (found !== undefined) return found;
  throw new Error(
    'No Chromium here: run `apt-get install -y chromium-headless-shell`, or set AETHER_CHROMIUM to its path.',
  );
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Fewer processes: pages of one session share one, none is started before it is needed, and drawing has none.
      '--in-process-gpu',
      '--renderer-process-limit=1',
      '--process-per-site',
      '--disable-site-isolation-trials',
    ],
  });
}

/**
 * The browser code as it is published where dist/ is of these sources; otherwise built from them, as `npm run
 * build` does, into a directory of its own.
 */
export async function buildWeb(): Promise<{ dir: string; remove(): Promise<void> }> {
  if (process.env.AETHER_TEST_DIST === '1') return { dir: BUILT_WEB, remove: async () => undefined };
  const { build } = await import('vite');
  const dir = await mkdtemp(join(tmpdir(), 'aether-web-'));
  await build({
    root: WEB,
    configFile: join(WEB, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: dir, emptyOutDir: true },
  });
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** A page of its own session; what it complains of is collected. */
export async function openPage(
  browser: Browser,
  link: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(link);
  return { page, complaints };
}

/** From now on, what the page asks of this verb reaches the host after `first` was done. */
export async function doFirst(page: Page, verb: string, first: () => Promise<unknown>): Promise<void> {
  await page.exposeFunction('doFirst', first);
  await page.evaluate(`{
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = async function (data) {
      if (JSON.parse(data).verb === ${JSON.stringify(verb)}) await globalThis.doFirst();
      send.call(this, data);
    };
  }`);
}
