/** The operator's hands in a real browser: a permission given, one refused, a conversation taken over. */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, openPage } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
let browser: Browser;
let page: Page;
let complaints: string[];

const bash = (command: string) => call('Bash', { command, description: 'a test' });

beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: {
      builder: {
        runtime: 'claude-code',
        goal: `Build. ${bash('echo built > wall.txt')} ${bash('echo gone > roof.txt')} [[say I have built the wall]]`,
      },
    },
  });
  const said = await fleet.ok('up', '--detach');
  const link = /Console: (\S+)/.exec(said)?.[1];
  expect(link).toMatch(/^http:\/\/[a-z2-7]{20}\.localhost:\d+\/#link=/);
  browser = await launchBrowser();
  ({ page, complaints } = await openPage(browser, link!));
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await fleet?.close();
}, 60_000);

test('one permission is allowed and one denied: the tool ran, and did not run', async () => {
  const workspace = join(fleet.project, 'workspaces', 'builder');
  const card = (what: string) => page.locator('.inbox [data-approval]').filter({ hasText: what });

  await card('wall.txt').waitFor({ timeout: 30_000 });
  expect(await page.locator('section[aria-label="Needs you"]').textContent()).toContain('builder');
  expect(fs.existsSync(join(workspace, 'wall.txt'))).toBe(false);
  await card('wall.txt').getByRole('button', { name: 'Allow' }).click();

  await card('roof.txt').waitFor({ timeout: 30_000 });
  expect(fs.readFileSync(join(workspace, 'wall.txt'), 'utf8')).toBe('built\n');
  await card('roof.txt').getByRole('button', { name: 'Deny because…' }).click();
  await page.getByLabel('Why it is denied; the agent reads this').fill('The roof stays as it is.');
  await page.keyboard.press('Enter');

  await card('roof.txt').waitFor({ state: 'detached' });
  await fleet.turns('builder', 1);
  const told = fleet.model.requests.findLast((request) => saidIn(request).includes('Build.'))!;
  expect(resultsIn(told)).toEqual([
    expect.not.stringContaining('roof'),
    expect.stringContaining('The roof stays as it is.'),
  ]);
  expect(fs.existsSync(join(workspace, 'roof.txt'))).toBe(false);
  const answers = (await fleet.events({ agent: 'builder', topics: ['approval.answered'] })).map(
    ({ data, principal }) => [principal, data.answer],
  );
  expect(answers).toEqual([
    ['operator', { allow: true }],
    ['operator', { allow: false, text: 'The roof stays as it is.' }],
  ]);
}, 90_000);

test('a conversation is taken over, typed into and handed back with a note', async () => {
  await fleet.turns('builder', 1);
  await page.locator('nav.fleet [data-agent="builder"]').click();
  await page.locator('main[aria-label="builder"]').waitFor();
  const conversation = page.getByRole('log', { name: 'Conversation' });
  await conversation.getByText('I have built the wall', { exact: true }).waitFor();
  await page.keyboard.press('t');
  await page.getByRole('dialog').getByRole('button', { name: 'Take over' }).click();

  const screen = page.locator('.xterm-rows');
  let shown = '';
  const shows = (text: string) =>
    eventually(
      () => `the terminal shows ${text}; it shows ${shown}`,
      async () => {
        shown = ((await screen.textContent()) ?? '').replace(/\s+/g, '');
        return shown.includes(text.replace(/\s+/g, ''));
      },
      30_000,
    );
  await screen.waitFor({ timeout: 30_000 });
  await shows('I have built the wall');
  await shows('manual mode on');
  const held = await fleet.agent('builder');
  expect(held.lease).toMatchObject({ phase: 'held' });
  expect(held.terminal.kind).toBe('takeover');

  await page.locator('.xterm').click();
  await page.keyboard.type('My name is Quill. [[say Quill it is]]');
  await shows('My name is Quill. [[say Quill it is]]');
  await page.keyboard.press('Enter');
  await fleet.event('message.assistant', ({ data }) => data.text === 'Quill it is');
  await shows('● Quill it is');

  // A picture of it, for whoever wants one.
  const picture = await page.screenshot();
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  if (process.env.AETHER_SCREENSHOT) fs.writeFileSync(process.env.AETHER_SCREENSHOT, picture);

  const seen = fleet.model.requests.length;
  await page.keyboard.press('Control+]');
  await page.getByLabel('Note for the agent').fill('Mind the comma. [[say noted]]');
  await page.getByRole('dialog').getByRole('button', { name: 'Hand back', exact: true }).click();

  const next = await fleet.model.waitFor(
    (request) => request.index >= seen && request.conversation !== null,
    30_000,
  );
  const said = saidIn(next);
  for (const words of ['Build.', 'I have built the wall', 'My name is Quill.', 'Mind the comma.'])
    expect(said).toContain(words);
  // The page goes on with the conversation, and what was typed is a part of it.
  await conversation.getByText('noted', { exact: true }).waitFor();
  expect(await conversation.textContent()).toContain('My name is Quill.');
  const after = await fleet.idle('builder');
  expect([after.lease, after.run]).toEqual([null, held.run]);
  expect(complaints).toEqual([]);
}, 120_000);
