/**
 * A fleet with one agent of each runtime that has a conversation: Claude Code writes a mail to OpenClaw, which stores what
 * it says where the builtin loop finds it, asks a person in a real browser for a command, and is taken over there.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openPage } from '../support/browser.ts';
import { engineProgram } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { aether, call, LiveFleet, sandboxOf } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';
import { LONG } from '../support/run-tree.ts';

/** Of a gateway, and of a terminal of it, on a busy machine. */
const START_MS = 240_000;
const TURN_MS = 90_000;
const FACT = 'High water at the north pier is at noon.';

const openclaw = (tool: string, input: unknown) => call(`aether__aether_${tool}`, input);

/** What the OpenClaw agent does about a mail. */
const WORK = [
  openclaw('mail_inbox', {}),
  openclaw('mail_ack', { ids: ['{{result.messages.0.id}}'] }),
  openclaw('memory_store', { text: FACT, key: 'high-water', scope: 'shared' }),
  call('exec', { command: 'echo noon > tide.txt' }),
  '[[say the tide is written down]]',
].join(' ');

// A gateway, its terminal and a browser for each sandbox: what one engine can show is in openclaw.test.ts.
describe.runIf(LONG).each(['none', 'bubblewrap'])('one agent of each runtime, sandbox %s', (sandbox) => {
  let fleet: LiveFleet;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    fleet = await LiveFleet.make({ agents: {} });
    const letter = { to: 'claw', subject: 'The tide', body: FACT };
    const model = { auth: 'ANTHROPIC_API_KEY', env: { ANTHROPIC_BASE_URL: fleet.model.url } };
    fleet.configure({
      defaults: { sandbox: sandboxOf(sandbox) },
      agents: {
        scout: {
          runtime: 'claude-code',
          goal: `Scout. ${aether('mail_send', letter)} [[say told the claw]]`,
        },
        claw: { ...model, runtime: 'openclaw', bin: engineProgram('openclaw'), model: 'anthropic/scripted' },
        keeper: { ...model, runtime: 'builtin', model: 'anthropic:scripted' },
      },
    });
    fleet.model.teach('newest from agent:scout', WORK);
    const link = /Console: (\S+)/.exec(await fleet.ok('up', '--detach'))?.[1];
    browser = await launchBrowser();
    ({ page, complaints } = await openPage(browser, link!));
  }, START_MS);

  afterAll(async () => {
    await browser?.close();
    await fleet?.close();
  }, 60_000);

  /** For a person who wants to look: of the page as it is, on a desk by day and on a phone by night. */
  async function pictures(name: string, place?: string): Promise<void> {
    const to = process.env.AETHER_SCREENSHOTS;
    if (to === undefined) return;
    const take = (how: string) => page.screenshot({ path: join(to, `${sandbox}-${name}-${how}.png`) });
    const before = page.url();
    if (place !== undefined) await page.goto(new URL(place, before).href);
    await take('1440');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(500);
    await take('390');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
    if (place !== undefined) await page.goto(before);
  }

  test(
    'gets mail, and is allowed a command in the browser',
    async () => {
      const file = join(fleet.project, 'workspaces', 'claw', 'tide.txt');
      const card = page.locator('.inbox [data-approval]').filter({ hasText: 'tide.txt' });
      await card.waitFor({ timeout: START_MS });
      expect(fs.existsSync(file)).toBe(false);
      await page.locator('nav.fleet [data-agent="claw"]').click();
      await pictures('approval');
      await pictures('inbox', '#/inbox');
      await card.getByRole('button', { name: 'Allow' }).click();
      await fleet.turns('claw', 1, TURN_MS);
      expect(fs.readFileSync(file, 'utf8')).toBe('noon\n');
      const read = await fleet.event('mail.acked');
      expect(read).toMatchObject({ agent: 'claw', principal: 'agent:claw' });
      const told = fleet.model.requests.findLast((one) => saidIn(one).includes('newest from agent:scout'))!;
      expect(resultsIn(told).join('\n')).toContain(FACT);
    },
    START_MS + 60_000,
  );

  test(
    'what it stored is recalled by the builtin one',
    async () => {
      await fleet.inject(
        'keeper',
        `Recall. ${call('aether_memory_search', { query: 'high water' })} [[say known]]`,
      );
      await fleet.turns('keeper', 1, TURN_MS);
      const asked = fleet.model.requests.findLast((request) => saidIn(request).includes('Recall.'))!;
      expect(resultsIn(asked).join('\n')).toContain(FACT);
    },
    TURN_MS + 30_000,
  );

  test(
    'is taken over in the browser, typed into and handed back: its next request has what was typed',
    async () => {
      const before = await fleet.idle('claw');
      await page.locator('nav.fleet [data-agent="claw"]').click();
      await page.locator('main[aria-label="claw"]').waitFor();
      const conversation = page.getByRole('log', { name: 'Conversation' });
      await conversation.getByText('the tide is written down', { exact: true }).waitFor();
      await pictures('conversation');
      await page.keyboard.press('t');
      await page.getByRole('dialog').getByRole('button', { name: 'Take over' }).click();

      const screen = page.locator('.xterm-rows');
      await screen.waitFor({ timeout: START_MS });
      let shown = '';
      const shows = (text: string, deadline_ms: number) =>
        eventually(
          () => `the terminal shows ${text}; it shows ${shown}`,
          async () => {
            shown = ((await screen.textContent()) ?? '').replace(/\s+/g, '');
            return shown.includes(text.replace(/\s+/g, ''));
          },
          deadline_ms,
        );
      await shows('the tide is written down', START_MS);
      const held = await fleet.agent('claw');
      expect(held.lease).toMatchObject({ phase: 'held' });
      // Beside: its engine goes on.
      expect([held.run, held.pid]).toEqual([before.run, before.pid]);

      await page.locator('.xterm').click();
      await page.keyboard.type('My name is Quill. [[say Quill it is]]');
      await shows('My name is Quill. [[say Quill it is]]', TURN_MS);
      await page.keyboard.press('Enter');
      await fleet.event('message.assistant', ({ data }) => data.text === 'Quill it is', TURN_MS);
      await shows('Quill it is', TURN_MS);
      await pictures('terminal');

      const seen = fleet.model.requests.length;
      await page.keyboard.press('Control+]');
      await page.getByLabel('Note for the agent').fill('Mind the comma. [[say noted]]');
      await page.getByRole('dialog').getByRole('button', { name: 'Hand back', exact: true }).click();
      const next = await fleet.model.waitFor(
        (request) => request.index >= seen && request.conversation !== null,
        TURN_MS,
      );
      for (const words of ['the tide is written down', 'My name is Quill.', 'Mind the comma.'])
        expect(saidIn(next)).toContain(words);
      await conversation.getByText('noted', { exact: true }).waitFor({ timeout: TURN_MS });
      expect(await conversation.textContent()).toContain('My name is Quill.');
      await pictures('handed-back');
      const after = await fleet.idle('claw', TURN_MS);
      expect([after.lease, after.run, after.pid]).toEqual([null, before.run, before.pid]);
      expect(complaints).toEqual([]);
    },
    2 * START_MS,
  );
});
