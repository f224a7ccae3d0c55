/** Approvals that are not what they look like: each is marked, in the page and in the command line. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openControlDoor } from '../../src/host/control/server.ts';
import { openLog } from '../../src/host/log.ts';
import { socketPaths } from '../../src/host/paths.ts';
import { acquireLock } from '../../src/host/process/lock.ts';
import { runtimeDirectory } from '../../src/host/process/sockets.ts';
import { buildWeb, launchBrowser, openPage } from '../support/browser.ts';
import { cli } from '../support/cli.ts';
import { type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
import { DECEPTIONS } from '../support/deceptions.ts';

let web: Awaited<ReturnType<typeof buildWeb>>;
let browser: Browser;
let fixture: ConsoleFixture;
let page: Page;
let complaints: string[];
const ids: string[] = [];

beforeAll(async () => {
  [web, browser] = await Promise.all([buildWeb(), launchBrowser()]);
  fixture = await consoleFixture({ webDir: web.dir });
  fixture.host.set('coder', {});
  for (const { kind, tool, input } of DECEPTIONS) {
    const detail = kind === 'question' ? { question: input } : { tool, input };
    const title = kind === 'question' ? String(input).split('\n', 1)[0]! : tool;
    ids.push(fixture.host.ask({ agent: 'coder', kind, title, detail }).id);
  }
  ({ page, complaints } = await openPage(browser, fixture.console.loginLink()));
  await page.waitForSelector(`.inbox [data-approval="${ids.at(-1)}"]`, { state: 'attached' });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await fixture?.close();
  await web?.remove();
});

/** A screen has no other sign for what is missing than the words beside it. */
const unmarked = (
  shownOf: (id: string) => string | undefined,
): { mark: string; input: string; shown: string }[] =>
  DECEPTIONS.flatMap(({ mark, input }, index) => {
    const shown = shownOf(ids[index]!) ?? 'nothing';
    if (shown.includes(mark)) return [];
    return [{ mark, input: JSON.stringify(input).slice(0, 90), shown: shown.slice(0, 300) }];
  });

it('there are two hundred of them', () => expect(DECEPTIONS.length).toBeGreaterThanOrEqual(200));

it('each is marked in the page', async () => {
  const cards = (await page.evaluate(
    `[...document.querySelectorAll('.inbox [data-approval]')].map((card) => [card.dataset.approval, card.textContent])`,
  )) as [string, string][];
  const texts = new Map(cards);
  expect(unmarked((id) => texts.get(id))).toEqual([]);
  // Nothing that turns the direction or is not seen is in what is shown; what is sent is a click away.
  for (const [, text] of cards) expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u3164\x1b]/);
  const at = DECEPTIONS.findIndex(({ mark }) => mark === 'U+202E');
  const card = page.locator(`.inbox [data-approval="${ids[at]}"]`);
  await card.getByText('As it was sent').click();
  expect(await card.locator('.as-sent .code').textContent()).toContain('echo safe\\u202ename');
  expect(complaints).toEqual([]);
});

it('each is marked in the command line, and given byte for byte on demand', async () => {
  const runtimeDir = runtimeDirectory(fixture.stateDir);
  // As a host has it: without it the command says nothing to what answers.
  const lock = acquireLock(join(fixture.stateDir, 'host.lock'));
  const door = await openControlDoor({
    verbs: fixture.host.verbs,
    asker: { principal: 'operator', label: 'ada@tests' },
    socketPath: socketPaths(runtimeDir).control,
    admit: () => true,
    log: openLog(undefined),
    version: '0.1.0',
  });
  try {
    const aether = (...args: string[]) => cli(['--state', fixture.stateDir, 'approvals', ...args]);
    const { stdout } = await aether();
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069\u200b\u3164]/u);
    const parts = new Map(stdout.split(/^(?=apr)/m).map((part) => [part.split(' ', 1)[0]!, part]));
    expect(unmarked((id) => parts.get(id))).toEqual([]);
    const at = DECEPTIONS.findIndex(({ mark }) => mark === 'U+202E');
    const [raw, json] = await Promise.all([
      aether('show', ids[at]!, '--raw'),
      aether('show', ids[at]!, '--json'),
    ]);
    expect(JSON.parse(raw.stdout)).toEqual(DECEPTIONS[at]!.input);
    expect(raw.stdout + json.stdout).not.toContain('\u202e');
    expect((JSON.parse(json.stdout) as { detail: { input: unknown } }).detail.input).toEqual(
      DECEPTIONS[at]!.input,
    );
  } finally {
    await door.close();
    lock?.release();
  }
});
