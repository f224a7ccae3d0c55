/** Memory in the console as a person uses it: the real server, the built page, a real Chromium, a real memory. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildWeb, doFirst, launchBrowser, openPage } from '../support/browser.ts';
import { type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
import { demoFleet } from '../support/demo-fleet.ts';
import { type DemoMemories, demoMemories } from '../support/demo-memories.ts';
import { auditor } from '../support/page-audit.ts';

let web: Awaited<ReturnType<typeof buildWeb>>;
let browser: Browser;
let fixture: ConsoleFixture;
let demo: DemoMemories;
let page: Page;
let complaints: string[];

/** One page for all: each test goes on with what the ones before it have made. */
beforeAll(async () => {
  [web, browser] = await Promise.all([buildWeb(), launchBrowser()]);
  fixture = await consoleFixture({ webDir: web.dir });
  demoFleet(fixture.host);
  demo = demoMemories(fixture.host);
  ({ page, complaints } = await openPage(browser, fixture.console.loginLink()));
  // What is waited for in vain is named.
  page.setDefaultTimeout(12_000);
  await page.waitForSelector('.row', { state: 'attached' });
});
afterAll(async () => {
  await browser?.close();
  await fixture?.close();
  await web?.remove();
});
afterEach(() => {
  expect(complaints).toEqual([]);
});

const at = (place: string) => page.goto(`${fixture.console.url}/#/${place}`);
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 });
const texts = () => page.locator('.memory-text').allTextContents();
const desk = () => fixture.host.memories;
/** Of the list without filters. */
const count = async () => (await desk().curation.list('operator', { limit: 500 })).memories.length;
const store = (text: string, more: object = {}) =>
  desk().memory.store({ principal: 'agent:coder', agent: 'coder', run: 'r_coder' }, { text, ...more }).memory;

describe('every width and light', () => {
  it('nothing nameless, dim or wider than the screen', async () => {
    const audit = auditor(page);
    const places = [
      ...['memory', `memory/${demo.history}`, `memory/${demo.hostile}`, `memory/${demo.stale}`],
      ...[`memory/${demo.contradicted}`, 'memory/scopes?scope=fleet', 'agent/release/memory'],
    ];
    for (const place of places) {
      await at(place);
      await page.locator(':is(.memory-row, .story-text, .forget-first):visible').first().waitFor();
      expect(await audit(place)).toEqual([]);
    }
    for (const name of ['Edit…', 'Forget…', 'Import…', 'Export…']) {
      await at(name === 'Edit…' || name === 'Forget…' ? `memory/${demo.hostile}` : 'memory');
      await page.getByRole('button', { name }).click();
      await page.locator('dialog[open]').waitFor();
      expect(await audit(name)).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });
});

describe('a list of memories', () => {
  it('is reached and moved in by keyboard, narrowed by filters that stay in the address, and keeps up', async () => {
    await at('fleet');
    await page.keyboard.press('g');
    await page.keyboard.press('m');
    await page.getByText('17 memories, the newest first').waitFor();
    await page.getByLabel('State').selectOption('stale');
    await poll(texts).toHaveLength(2);
    expect(page.url()).toContain('#/memory?state=stale');
    await page.getByLabel('Whose').selectOption('agent:docs');
    await page.getByText('No memory fits these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await page.getByText('17 memories').waitFor();
    store('A fact of this moment.');
    await poll(async () => (await texts())[0]).toContain('A fact of this moment.');

    await page.locator('.memory-row').nth(0).focus();
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.locator('.story-text', { hasText: 'A fact of this moment.' }).waitFor();
    await page.goBack();
    await page.getByText('18 memories').waitFor();
    expect(await count()).toBe(18);

    await at('agent/release/memory');
    await page.getByText('3 memories').waitFor();
    await page.getByLabel('Whose').selectOption('agent:release');
    await poll(() => page.url()).toContain('author=agent%3Arelease');
    await at('agent/migrator/memory');
    await page.getByText('migrator remembers nothing of its own yet.').waitFor();
  });
});

describe('a memory', () => {
  it('is text only, with marks where it deceives; stale it says through what, contradicted by what', async () => {
    await at(`memory/${demo.hostile}`);
    await page.locator('.story-text').waitFor();
    expect(await page.locator('.story-text').textContent()).toContain('<img src=x');
    expect(await page.locator('.memory-place :is(img, script)').count()).toBe(0);
    expect(await page.locator('.story-text .unseen-mark').allTextContents()).toEqual([
      'U+202E',
      'U+202C',
      '\\x1b[2J',
    ]);
    expect(await page.locator('.warnings').textContent()).toContain('turn the direction');
    await page.getByText('It reads like instructions.').waitFor();

    await at(`memory/${demo.stale}`);
    const chain = page.locator('.chain li');
    await poll(() => chain.allTextContents()).toEqual([
      'rests on From eu-west-1 an acquirer answers in 40 ms at the median.',
      'rests on Payments is deployed to eu-west-1. (replaced)',
    ]);
    await page.getByRole('button', { name: 'It is still so' }).click();
    await page.getByText('It stands again, as your word.').waitFor();
    await page.locator('.story-head .memory-state.live').waitFor();

    await at(`memory/${demo.contradicted}`);
    const sides = page.locator('.side');
    await poll(() => sides.count()).toBe(2);
    expect(await sides.nth(1).textContent()).toMatch(
      /every minute.*by reviewer, of reviewer; names no source/,
    );

    await at(`memory/${demo.history}`);
    await page.locator('.history .added', { hasText: 'unique per merchant' }).waitFor();
    expect(await page.locator('.readers li').allTextContents()).toEqual([
      expect.stringMatching(/^coder r_coder3h ago$/),
      expect.stringMatching(/^reviewer r_reviewer6h ago$/),
      expect.stringMatching(/^laptop 81b29h ago$/),
    ]);
    await page.getByText('Right: support asked for 72 h.').waitFor();
  });

  it('is forgotten after it was said what goes and what remains; what an agent forgot can be redacted', async () => {
    await at(`memory/${demo.history}`);
    await page.getByRole('button', { name: 'Forget…' }).click();
    const asked = page.locator('dialog[open]');
    expect(await asked.textContent()).toMatch(
      /2 earlier statements under its key.*1 memory that rests on it is marked stale.*transcripts of 2 runs/,
    );
    await asked.getByRole('button', { name: 'Forget it for good' }).click();
    await asked.getByText('It still stands in:').waitFor();
    expect(await asked.textContent()).toMatch(/is forgotten; 2 earlier.*runs\/RUN/);
    await asked.getByRole('button', { name: 'Close' }).click();
    await page.getByText(`${await count()} memories`).waitFor();
    await at(`memory/${demo.history}`);
    await page.getByRole('button', { name: 'Remove its words everywhere' }).click();
    await page.getByText('No place of this host still has its words.').waitFor();
  });

  it('is corrected where it stands and nowhere else: a conflict shows both', async () => {
    await at(`memory/${demo.contradicted}`);
    await page.getByRole('button', { name: 'Edit…' }).click();
    await page.getByLabel('Text').fill('The refund sweeper runs every 7 minutes.');
    const key = 'refunds/sweeper';
    const theirs = () =>
      store('The sweeper runs every 6 minutes.', { key, scope: 'fleet', derived_from: [] });
    let first = true;
    await doFirst(page, 'editMemory', async () => {
      if (first) theirs();
      first = false;
    });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Another statement took its place').waitFor();
    expect(await page.locator('.conflict .side').first().textContent()).toContain('every 6 minutes.');
    expect(await page.locator('.conflict .added').textContent()).toContain('every 7 minutes.');
    await page.getByRole('button', { name: 'Put mine in its place' }).click();
    await page.locator('.story-text', { hasText: 'every 7 minutes.' }).waitFor();
    const { memories } = await desk().curation.list('operator', { scope: 'fleet' });
    const standing = memories.find(({ key }) => key === 'refunds/sweeper');
    expect(standing).toMatchObject({ version: 3, author: expect.stringMatching(/^operator/) });
    await page.getByRole('button', { name: 'Pin' }).click();
    await page.getByRole('button', { name: 'Unpin' }).waitFor();
    await page.getByRole('button', { name: /this memory was bad/ }).click();
    await page.keyboard.type('Ask support first.');
    await page.keyboard.press('Enter');
    await page.getByText('Remembered; one memory weighs less in searches now.').waitFor();
    await page.locator('.story-part', { hasText: 'Feedback' }).getByText('Ask support first.').waitFor();
  });
});

describe('memories in files', () => {
  it('come after a preview of what is new, and go as a download', async () => {
    const fleet = desk().curation.quota('fleet').memories;
    await at('memory');
    await page.getByRole('button', { name: 'Import…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog
      .locator('input[type=file]')
      .first()
      .setInputFiles({
        name: 'notes.md',
        mimeType: 'text/markdown',
        buffer: Buffer.from(
          '- The pager is with Ben this week.\n- Never push to main on a Friday. Releases are cut by Ana, who is asked first.\n',
        ),
      });
    await dialog.getByText('2 memories: 1 new, 1 known already.').waitFor();
    expect(desk().curation.quota('fleet').memories).toBe(fleet);
    await dialog.getByRole('button', { name: 'Store 1 memory' }).click();
    await page.getByText('1 memory stored.').waitFor();
    await poll(async () => (await texts())[0]).toContain('The pager is with Ben');

    await page.getByRole('button', { name: 'Export…' }).click();
    await dialog.getByLabel('Whose').selectOption('fleet');
    const coming = page.waitForEvent('download');
    await dialog.getByRole('button', { name: `Export ${fleet + 1} memories` }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/^whole-fleet-\d{4}-\d\d-\d\d\.jsonl$/);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line).text)).toContain('The pager is with Ben this week.');
    expect(lines).toHaveLength(fleet + 1);
  });

  it('are counted by scope, with what to forget first', async () => {
    await at('memory/scopes');
    await page.locator('.scope-row', { hasText: 'release' }).click();
    await page.getByText('To be forgotten first').waitFor();
    expect(await page.locator('.forget-first li').first().textContent()).toContain('superseded');
  });
});

describe('feedback on what an agent did', () => {
  it('is given at its line, is memory of the agent, and shows there in every page', async () => {
    await at('agent/coder');
    const call = page.locator('.item', { hasText: 'createRefund in src' });
    await call.hover();
    await call.getByRole('button', { name: 'Say whether this call was good' }).click();
    await call.getByRole('button', { name: /was bad/ }).click();
    await page.keyboard.type('Search the tests too.');
    await page.keyboard.press('Enter');
    await call.locator('.judge.down').waitFor();
    const { memories } = await desk().curation.list('operator', { scope: 'agent:coder', tag: 'feedback' });
    expect(memories[0]!.text).toMatch(/did not like its call of Grep .*They said: Search the tests too\.$/);
    await page.reload();
    await page.locator('.judge.down').waitFor();
    expect(await page.locator('.note', { hasText: 'did not like' }).count()).toBe(0);
  });
});

describe('a search', () => {
  it('says why each was found and that nothing certain was; page by page', async () => {
    const before = await count();
    for (let n = 1; n <= 60; n += 1) store(`The ferry number ${n} leaves at nine.`);
    await at('memory');
    await page.waitForSelector('#memory-search');
    await page.keyboard.press('/');
    await page.keyboard.type('what colour is the refund sweeper');
    await page.getByText('Nothing certain; nearest:').waitFor();
    expect(await page.locator('.memory-found').first().textContent()).toBe(
      'has refund, sweeper; lacks colour',
    );
    await page.locator('#memory-search').fill('zyxwvut');
    await page.getByText('No memory matches.').waitFor();
    await page.locator('#memory-search').fill('');
    await page.getByText('The first 50, the newest first').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText(`${before + 60} memories`).waitFor();
    // What was loaded is read again whole.
    store('One more.');
    await page.getByText(`${before + 61} memories`).waitFor();
  });
});
