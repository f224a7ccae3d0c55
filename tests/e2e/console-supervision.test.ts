/**
 * Real agents, held, paused and handed back by a hand in a real browser: what the page says is what is so. Those whose
 * engine is not the point are of the builtin runtime.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doFirst, launchBrowser, openPage } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { call, HELD_GRADE, LiveFleet, processes } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
let browser: Browser;
let page: Page;
let complaints: string[];

const bash = (command: string) => call('Bash', { command, description: 'a test' });
const until = (file: string) => `while [ ! -e ${file} ]; do sleep 0.05; done`;
const inWorkspace = (file: string, agent = 'worker') => join(fleet.project, 'workspaces', agent, file);
const made = (file: string) => fs.existsSync(inWorkspace(file));
const touch = (file: string, agent?: string) => fs.writeFileSync(inWorkspace(file, agent), '');
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 });
const standing = () => page.locator('.standing').textContent({ timeout: 20_000 });
const lookAt = (agent: string) => page.locator(`nav.fleet [data-agent="${agent}"]`).click();
const told = (text: string) => page.locator('.told', { hasText: text });

beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const builtin = {
    runtime: 'builtin',
    model: 'anthropic:scripted',
    auth: 'ANTHROPIC_API_KEY',
    env: { ANTHROPIC_BASE_URL: fleet.model.url },
  };
  fleet.configure({
    agents: {
      worker: {
        runtime: 'claude-code',
        permissions: 'allow',
        goal: `Work. ${bash(`touch begun; ${until('go')}`)} ${bash('touch after')} [[say rested]]`,
      },
      crawler: { ...builtin, watchdog: { after: '5s' }, goal: 'Crawl. [[hang model]]' },
      mason: { ...builtin, goal: 'Lay bricks. [[say laid]]' },
    },
  });
  const link = /Console: (\S+)/.exec(await fleet.ok('up', '--detach'))?.[1];
  browser = await launchBrowser();
  ({ page, complaints } = await openPage(browser, link!));
  await lookAt('worker');
  // The call is announced before it has passed the gate.
  await fleet.until('worker', 'in its tool', ({ activity }) => activity === 'tool' && made('begun'), 40_000);
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await fleet?.close();
}, 60_000);

async function tell(text: string): Promise<void> {
  await page.getByLabel('Message to worker').fill(text);
  await page.keyboard.press('Enter');
  await told(text.split(' [[', 1)[0]!).waitFor();
  await page.keyboard.press('Escape');
}

test('h holds it at the boundary: asked for, then true; a message waits, is taken back or is read', async () => {
  await page.keyboard.press('h');
  await poll(standing).toMatch(
    /Hold requested by operator .*not in effect yet\. The running tool is finished first \(Bash: touch begun; while \[/,
  );
  expect(await fleet.agent('worker')).toMatchObject({ activity: 'tool', requested: 'hold' });
  await tell('A word while you are held.');
  await tell('A word that is taken back.');
  await told('taken back').getByRole('button', { name: 'Take back' }).click();
  await poll(() => told('taken back').locator('summary').textContent()).toMatch(/^queuedtaken back/);

  touch('go');
  await poll(standing).toMatch(new RegExp(`Held by operator since .*${HELD_GRADE}Bash stands at the gate`));
  const held = await fleet.agent('worker');
  expect(held).toMatchObject({ activity: 'held', requested: null });
  expect(held.activityEvidence).toMatchObject({ source: 'gate', grade: HELD_GRADE });
  expect(made('after')).toBe(false);
  expect(await told('while you are held').textContent()).toContain('read once it is resumed');

  await page.keyboard.press('r');
  await fleet.turns('worker', 1);
  expect(made('after')).toBe(true);
  const summary = () => told('while you are held').locator('summary').textContent();
  await poll(summary).toMatch(/^queueddeliveredseenacted on \d\d:\d\d:\d\d$/);
  await told('while you are held').locator('summary').click();
  const steps = await told('while you are held').locator('.steps li').allTextContents();
  expect(steps).toHaveLength(4);
  for (const step of steps) expect(step).toMatch(/^\D+\d\d:\d\d:\d\d( · [\d hmins]+ later)? · ./);
  await page.locator('.rule', { hasText: /Resumed after .* held/ }).waitFor();
  const said = fleet.model.requests.map(saidIn).join('\n');
  expect(said).toContain('A word while you are held.');
  expect(said).not.toContain('A word that is taken back.');
}, 120_000);

test('p freezes it where it is, with the proof; what somebody else did first is not overruled', async () => {
  const beat = 'while [ ! -e stop ]; do date +%s%N > beat; sleep 0.02; done';
  await tell(`Beat the drum. ${bash(beat)} [[say beaten]]`);
  await eventually('it beats', () => made('beat'), 30_000);
  const read = () => fs.readFileSync(inWorkspace('beat'), 'utf8');

  // Between the key and the host, somebody at a terminal is quicker.
  let others = 0;
  await doFirst(page, 'pause', async () => {
    others += 1;
    if (others === 1) await fleet.act('hold', 'worker');
  });
  await page.keyboard.press('p');
  await poll(() => page.locator('.toast').textContent()).toContain('operator asked to hold worker since.');
  expect((await fleet.agent('worker')).activity).toBe('tool');
  await page.getByRole('button', { name: 'Dismiss' }).click();

  await poll(standing).toContain('Hold requested');
  await page.keyboard.press('p');
  await poll(standing).toMatch(
    new RegExp(`Paused since .*It is held as well.*${HELD_GRADE}paused by operator: all \\d+ processes`),
  );
  expect((await fleet.agent('worker')).activity).toBe('paused');
  const frozen = read();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(read()).toBe(frozen);
  await page.keyboard.press('t');
  await poll(() => page.locator('.toast').textContent()).toBe('worker is paused; resume it first.');

  await page.locator('.standing').getByRole('button', { name: 'Resume' }).click();
  await eventually('it beats again', () => read() !== frozen, 10_000);
  await page.locator('.standing').waitFor({ state: 'detached' });
  await page.locator('.rule', { hasText: /Resumed after .* paused/ }).waitFor();
  touch('stop');
  await fleet.turns('worker', 2);
}, 120_000);

test('taken over and handed back held: what changed is shown before, and it goes on only when it is resumed', async () => {
  await fleet.turns('mason', 1);
  await lookAt('mason');
  await page.locator('main[aria-label="mason"]').waitFor();
  await page.keyboard.press('t');
  await page.getByRole('dialog').getByRole('button', { name: 'Take over' }).click();
  await page.locator('.lease.held').waitFor({ timeout: 40_000 });
  touch('by-hand.txt', 'mason');
  const requests = fleet.model.requests.length;
  await page.getByRole('button', { name: 'Hand back' }).click();
  const dialog = page.getByRole('dialog');
  await poll(() => dialog.locator('.changed').textContent()).toContain('by-hand.txt');
  await page.getByLabel('Note for the agent').fill('Mind the gap. [[say minded]]');
  await dialog.getByRole('button', { name: 'Hand back held' }).click();
  await poll(standing).toMatch(/Held by operator since .*no turn runs/);
  expect(fleet.model.requests).toHaveLength(requests);
  await page.locator('.rule', { hasText: 'handed back after' }).getByText('Mind the gap.').waitFor();
  await page.keyboard.press('r');
  await fleet.event('message.assistant', ({ data }) => data.text === 'minded');
  expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
}, 120_000);

test('x ends the turn, s the agent, after asking', async () => {
  await lookAt('worker');
  await fleet.idle('worker');
  await tell(`Once more. ${bash(until('never'))} [[say never]]`);
  await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool');
  await page.keyboard.press('x');
  await fleet.idle('worker');
  await page.locator('.rule', { hasText: 'Turn interrupted' }).waitFor();
  await page.keyboard.press('s');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  const { run } = await fleet.until('worker', 'stopped', (view) => view.state === 'stopped');
  const left = () => processes().filter(({ environment }) => environment.includes(`AETHER_RUN=${run}`));
  // Its shim has told of the end and is about to go.
  await eventually('nothing of it is left', () => left().length === 0, 2_000);
  await page.locator('.rule', { hasText: /Run stopped after/ }).waitFor();
  await page.locator('.row[data-agent=worker].off').waitFor();
}, 120_000);

test('a turn that does not move is for somebody, with what was seen; x ends it', async () => {
  await fleet.event('run.stuck', ({ agent }) => agent === 'crawler', 40_000);
  await page.locator('section[aria-label="Needs you"] [data-agent="crawler"]').click();
  await poll(standing).toMatch(
    /Stuck since .*Interrupt ends the turn.*observedthere was no progress for \d+ s at the model: no output/,
  );
  await page.locator('.rule', { hasText: 'Stuck' }).getByText('no progress').waitFor();
  await page.keyboard.press('x');
  await fleet.idle('crawler');
  await page.locator('.standing').waitFor({ state: 'detached' });
  await page.locator('.rule', { hasText: /It makes progress again after/ }).waitFor();
  await page.locator('.row[data-agent=crawler].idle').waitFor();
}, 120_000);
