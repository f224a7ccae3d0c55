/** Who stands still, who is stuck, how far a message came: as a person sees it and lays hands on it, in a real Chromium. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/host/api.ts';
import { buildWeb, doFirst, launchBrowser, openPage } from '../support/browser.ts';
import { type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
import type { HostDouble } from '../support/host-double.ts';
import { auditor } from '../support/page-audit.ts';

const MINUTE = 60_000;

let web: Awaited<ReturnType<typeof buildWeb>>;
let browser: Browser;
let fixture: ConsoleFixture;
let host: HostDouble;
let complaints: string[];

beforeAll(async () => {
  [web, browser] = await Promise.all([buildWeb(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await web?.remove();
});
beforeEach(async () => {
  fixture = await consoleFixture({ webDir: web.dir });
  host = fixture.host;
  complaints = [];
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await fixture.close();
  expect(complaints).toEqual([]);
});

async function open(place: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
  const { page, complaints: found } = await openPage(browser, fixture.console.loginLink(), options);
  complaints = found;
  await page.waitForSelector('.row', { state: 'attached' });
  await page.goto(`${fixture.console.url}/${place}`);
  return page;
}

async function openAgent(name: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
  const page = await open(`#/agent/${name}`, options);
  await page.waitForSelector(`main[aria-label="${name}"] .activity`);
  return page;
}

const poll = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 });
const tip = (page: Page) => page.locator('[role=tooltip]:not([hidden])');
const bar = (page: Page) => page.locator('.standing');
const row = (page: Page, name: string) => page.locator(`.row[data-agent=${name}]`);
const evidence = (what: string, ago_ms: number, grade: Evidence['grade'] = 'observed'): Evidence => ({
  source: 'engine',
  grade,
  what,
  at_ms: host.now() - ago_ms,
});

/** One of each way not to go on, and every kind of receipt. */
function standing(): void {
  const now = host.now();
  host.set('held', { activity: 'thinking', last: 'Bash: npm run build' });
  host.emit('run.starting', 'held', {}, now - 30 * MINUTE);
  const told = (inject: string, text: string, stages: string[], ago_ms: number): void => {
    const at_ms = now - ago_ms;
    host.emit('inject.queued', 'held', { inject, text, priority: 'next' }, at_ms, 'operator');
    stages.forEach((stage, n) => {
      host.emit(`inject.${stage}`, 'held', { inject, evidence: `how ${stage}` }, at_ms + 240 * (n + 1));
    });
  };
  told('i1', 'Use the staging ledger first.', ['delivered', 'seen', 'acted'], 9 * MINUTE);
  told('i2', 'And drop the old tables.', ['delivered', 'unknown'], 8 * MINUTE);
  told('i3', 'Never mind.', ['cancelled'], 7 * MINUTE);
  host.emit('run.lost', 'held', { why: 'its shim is gone', killed: 3 }, now - 6 * MINUTE);
  host.emit('run.starting', 'held', {}, now - 5 * MINUTE);
  host.hold('held');
  host.standStill('held');
  host.set('asked', {
    activity: 'tool',
    activityEvidence: evidence('Bash', 40_000),
    last: 'Bash: cargo build',
  });
  host.hold('asked');
  host.set('frozen', { activity: 'tool', containment: 'freezer', last: 'Bash: k6 run' });
  void host.pause('frozen');
  host.set('stuck', {
    activity: 'thinking',
    activityEvidence: evidence('message started', 11 * MINUTE),
    containment: 'descent',
    stuck: {
      since_ms: now - 10 * MINUTE,
      what: 'there was no progress for 10 min at the model: no output, no tool begun or done, 6 CPU ticks of the engine and 0 of 3 other processes',
    },
  });
  host.set('shell', { runtime: 'command', activity: 'unknown' });
}

describe('standing still', () => {
  it('h asks for a hold, which is shown as asked for until it is true; r lets it go on', async () => {
    host.set('coder', {
      activity: 'tool',
      activityEvidence: evidence('Bash', 9_000),
      last: 'Bash: npm test',
    });
    const page = await openAgent('coder');
    await page.keyboard.press('h');
    await poll(() => bar(page).textContent()).toMatch(
      /Hold requested by operator \d+s ago, not in effect yet/,
    );
    expect(await bar(page).textContent()).toContain('The running tool is finished first (Bash: npm test)');
    expect(await row(page, 'coder').textContent()).toMatch(
      /hold requested \d+s.*is held at the next boundary/,
    );
    expect(await row(page, 'coder').getAttribute('class')).toContain('working');

    host.standStill('coder');
    await poll(() => bar(page).textContent()).toContain('Held by operator since');
    expect(await bar(page).textContent()).toContain('enforcedBash stands at the gate');
    expect(await row(page, 'coder').getAttribute('class')).toContain('held');
    expect(await row(page, 'coder').textContent()).toMatch(/held \d+s/);
    await page.keyboard.press('r');
    await bar(page).waitFor({ state: 'detached' });
    await poll(() => page.locator('.rule').allTextContents()).toEqual([
      expect.stringContaining('operator asked to hold it'),
      expect.stringMatching(/^Held.*Bash stands at the gate/),
      expect.stringMatching(/^Resumed after \d+ m?s held/),
    ]);
    expect(host.asked).toEqual(['hold coder', 'resume coder']);
  });

  it('p pauses at once and shows the proof; what cannot be done meanwhile says why', async () => {
    host.set('coder', { activity: 'tool', last: 'Bash: npm test' });
    const page = await openAgent('coder');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await poll(() => bar(page).textContent()).toMatch(/Paused since .*enforced.*0 CPU ticks in 100 ms/);
    await page.keyboard.press('t');
    await poll(() => page.locator('.toast').textContent()).toBe('coder is paused; resume it first.');
    expect(await page.locator('dialog').count()).toBe(0);
    await bar(page).getByRole('button', { name: 'Resume' }).focus();
    await page.keyboard.press('Enter');
    await bar(page).waitFor({ state: 'detached' });
    // The button is gone; who used it by keyboard is still where they were.
    expect(await page.evaluate('document.activeElement.localName')).toBe('main');
    expect(host.asked).toEqual(['pause coder', 'resume coder']);
  });

  it('what has no gate cannot be held: the button says so on focus, the rest is offered', async () => {
    host.set('shell', { runtime: 'command', activity: 'unknown' });
    const page = await openAgent('shell');
    const hold = page.getByRole('button', { name: 'Hold', exact: true });
    expect(await hold.getAttribute('aria-disabled')).toBe('true');
    await page.getByRole('button', { name: 'Take over' }).focus();
    await page.keyboard.press('Tab');
    await poll(() => tip(page).textContent()).toContain('no gate, so it cannot be held');
    await page.keyboard.press('Enter');
    expect(host.asked).toEqual([]);
    expect(await page.locator('.composer-when').textContent()).toContain('whether it is read is not known');
    expect(await page.locator('.segments').count()).toBe(0);
  });

  it('a click that was based on something else is refused with a sentence', async () => {
    host.set('coder', { activity: 'tool' });
    const page = await openAgent('coder');
    // Between the key and the host somebody else is quicker.
    await doFirst(page, 'pause', async () => host.hold('coder'));
    await page.keyboard.press('p');
    await poll(() => page.locator('.toast').textContent()).toContain('operator asked to hold coder since.');
    expect(await page.locator('.toast').textContent()).toContain('Nothing was done.');
    expect(host.agent('coder').activity).toBe('tool');
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('409')));
  });

  it('every verb is in the commands and in the menu, with its key', async () => {
    host.set('coder', { activity: 'thinking' });
    const page = await openAgent('coder');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('coder: hold');
    await page.keyboard.press('Enter');
    await poll(() => host.asked).toEqual(['hold coder']);
    await page.getByRole('button', { name: 'More actions' }).click();
    const items = page.getByRole('menuitem');
    expect(await items.allTextContents()).toEqual([
      'Hold at the next boundaryh',
      'Pause at oncep',
      'Resumer',
      'Interrupt the turnx',
      'Trust what others said',
      'Stops',
      'Restart⇧R',
      'Kill⇧K',
    ]);
    expect(await items.first().getAttribute('aria-disabled')).toBe('true');
    expect(await items.nth(2).getAttribute('aria-disabled')).toBeNull();
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('More actions');
  });
});

describe('ending', () => {
  it('s and K ask first, and say what is lost; what is confirmed is the run that was asked about', async () => {
    host.set('coder', { activity: 'tool', last: 'Bash: npm test' });
    const page = await openAgent('coder');
    await page.keyboard.press('Shift+K');
    const dialog = page.getByRole('dialog');
    await poll(() => dialog.textContent()).toContain('will be cut off: Bash: npm test');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel');
    host.set('coder', { run: 'run_next' });
    const kill = dialog.getByRole('button', { name: 'Kill' });
    await poll(() => kill.getAttribute('aria-disabled')).toBe('true');
    expect(await dialog.textContent()).toContain('A different run of coder has begun');
    await page.keyboard.press('Escape');
    expect(host.asked).toEqual([]);
    await page.keyboard.press('s');
    // What can be made good is one more key away; a kill is not.
    await poll(() => page.evaluate('document.activeElement.textContent')).toBe('Stop');
    await page.keyboard.press('Enter');
    await poll(() => host.asked).toEqual(['stop coder']);
    await page.getByRole('button', { name: 'Start', exact: true }).first().waitFor();
  });
});

describe('a turn that does not move', () => {
  it('is for somebody, says what is known since when, and offers what helps', async () => {
    standing();
    const page = await openAgent('stuck');
    expect(await page.locator('section[aria-label="Needs you"]').textContent()).toContain('stuck 10m');
    await poll(() => page.title()).toBe('1 needs you · stuck · aether');
    expect(await bar(page).textContent()).toMatch(/Stuck since .*\(10m\)\. Interrupt ends the turn/);
    expect(await bar(page).textContent()).toContain('observedthere was no progress for 10 min at the model');
    await page.keyboard.press('x');
    await poll(() => host.asked).toContain('interrupt stuck');
  });
});

describe('how it is known', () => {
  it('is a word beside the fact, and the whole of it on focus, on a tap and by the keyboard in the fleet', async () => {
    standing();
    const page = await openAgent('held', { hasTouch: true, viewport: { width: 390, height: 844 } });
    const fact = page.locator('.fact.held');
    expect(await fact.textContent()).toMatch(/held \d+s enforced/);
    await fact.tap();
    await poll(() => tip(page).textContent()).toMatch(
      /Bash stands at the gate.*\nenforced by gate \d+s ago · .*\nEnforced: the host did it/,
    );
    await fact.tap();
    await tip(page).waitFor({ state: 'hidden' });
    // What holds its processes together is told with its state where there is no room for a word of its own.
    await page.locator('.fact').first().tap();
    await poll(() => tip(page).textContent()).toContain('pause and kill reach every process');

    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${fixture.console.url}/#/agent/stuck`);
    await poll(() => page.locator('.fact', { hasText: 'by descent' }).count()).toBe(1);
    await row(page, 'held').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await poll(() => tip(page).textContent()).toContain('enforced by gate');
  });
});

describe('a message', () => {
  it('has a receipt of stages, each with its time and evidence', async () => {
    standing();
    const page = await openAgent('held');
    const told = (text: string) => page.locator('.told', { hasText: text });
    const acted = told('staging ledger');
    expect(await acted.locator('summary').textContent()).toMatch(
      /^queueddeliveredseenacted on \d\d:\d\d:\d\d$/,
    );
    await acted.locator('summary').click();
    expect(await acted.locator('.steps li').allTextContents()).toEqual([
      expect.stringMatching(/^queued\d\d:\d\d:\d\d/),
      expect.stringMatching(/^delivered\d\d:\d\d:\d\d · 240 ms later · how delivered$/),
      expect.stringMatching(/^seen.* · how seen$/),
      expect.stringMatching(/^acted on.* · how acted$/),
    ]);
    const lost = told('drop the old tables');
    expect(await lost.locator('.stage.bad').textContent()).toContain('fate unknown');
    expect(await lost.textContent()).toContain('It is not sent again automatically');
    expect(await told('Never mind').locator('summary').textContent()).toMatch(/^queuedtaken back/);
    expect(await page.getByRole('button', { name: 'Take back' }).count()).toBe(0);
    expect(await page.locator('.rule.failed').textContent()).toContain('The run was lost after 24 min');
  });

  it('says before it is sent what becomes of it, waits with a word why, and can be taken back', async () => {
    host.set('coder', { activity: 'tool' });
    const page = await openAgent('coder');
    const when = page.locator('.composer-when');
    for (const [name, what] of [
      ['Now', 'Aborts the running tool'],
      ['Later', 'A turn of its own'],
      ['Next', 'Read right after the running tool'],
    ] as const) {
      await page.getByText(name, { exact: true }).click();
      expect(await when.textContent()).toContain(what);
    }
    host.hold('coder');
    await poll(() => when.textContent()).toBe('Waits until it is resumed.');
    await page.getByLabel('Message to coder').fill('skip the archive');
    await page.keyboard.press('Enter');
    await poll(() => page.locator('.told').textContent()).toContain('read once it is resumed');
    await page.getByRole('button', { name: 'Take back' }).click();
    await poll(() => page.locator('.told summary').textContent()).toContain('taken back');
    expect(host.injections('coder')[0]?.state).toBe('cancelled');
  });

  it('that is not read yet is not forgotten above the composer, however much was said since', async () => {
    host.set('coder', { activity: 'tool' });
    host.now = () => Date.now() - MINUTE;
    host.inject('coder', { text: 'Mind the archive.', priority: 'later' }, 'operator');
    host.inject('coder', { text: 'And the index.', priority: 'later' }, 'operator');
    host.now = Date.now;
    for (let n = 1; n <= 400; n += 1) host.emit('message.assistant', 'coder', { text: `line ${n}` });
    const page = await openAgent('coder');
    const waiting = page.locator('.unread');
    await poll(() => waiting.locator('summary').textContent()).toBe('2 messages are not read yet');
    expect(await page.locator('.told').count()).toBe(0);
    await waiting.locator('summary').click();
    expect(await waiting.locator('li').first().textContent()).toContain('Mind the archive.queued 1m');
    await waiting.getByRole('button', { name: 'Take back' }).first().click();
    await poll(() => waiting.locator('summary').textContent()).toBe('One message is not read yet');
    const [first, second] = host.injections('coder');
    expect(first?.state).toBe('cancelled');
    host.emit('inject.seen', 'coder', { inject: second!.id, evidence: 'named by a model request' });
    await waiting.waitFor({ state: 'detached' });
  });
});

it('an agent whose start waits for those of others says so, and can be stopped', async () => {
  const what = 'other agents are starting';
  const waits = { source: 'host', grade: 'enforced', what, at_ms: host.now() - 5_000 } as const;
  host.set('late', { state: 'stopped', activity: null, requested: 'start', requestedEvidence: waits });
  const page = await open('#/fleet');
  await poll(() => row(page, 'late').textContent()).toMatch(/waits to start 5s.*other agents start first/);
  await page.goto(page.url().replace(/#.*/, '#/agent/late'));
  await page.getByRole('heading', { name: 'late' }).waitFor();
  const head = page.locator('.agent-head');
  expect(await head.getByRole('button', { name: 'Start' }).count()).toBe(0);
  await head.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await poll(() => host.asked).toContain('stop late');
});

it('a takeover beside an engine says that nothing stops, and asks for no boundary', async () => {
  host.set('coder', { activity: 'idle' });
  host.set('coder', { can: { hold: true, receipts: 'acted', turns: true, takeover: 'beside' } });
  const page = await openAgent('coder');
  await page.keyboard.press('t');
  const dialog = page.getByRole('dialog');
  await poll(() => dialog.textContent()).toContain('Nothing stops: it goes on with its turn.');
  expect(await dialog.getByRole('radio').count()).toBe(0);
  await dialog.getByRole('button', { name: 'Take over' }).click();
  await poll(() => page.locator('.lease').textContent()).toContain(
    'The agent goes on beside you; messages to it wait until you hand back.',
  );
});

describe('handing back', () => {
  it('shows what changed, and hands back held with a note', async () => {
    host.set('coder', { activity: 'idle' });
    host.changed = ['src/rates.ts', 'src/tax.ts'];
    const page = await openAgent('coder');
    await page.keyboard.press('t');
    await page.getByRole('dialog').getByRole('button', { name: 'Take over' }).click();
    await page.getByText('You hold coder').waitFor();
    await page.getByRole('button', { name: 'Hand back' }).click();
    const dialog = page.getByRole('dialog');
    await poll(() => dialog.locator('.changed').textContent()).toContain('src/rates.ts\nsrc/tax.ts');
    await page.getByLabel('Note for the agent').fill('Mind the rounding.');
    await dialog.getByRole('button', { name: 'Hand back held' }).focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    // Above the dialog, not behind it.
    await poll(() => tip(page).textContent()).toContain('only when it is resumed');
    await page.keyboard.press('Enter');
    await poll(() => bar(page).textContent()).toContain('Held by operator');
    expect(host.asked).toEqual(['takeover coder', 'handback coder held']);
    const rule = page.locator('.rule', { hasText: 'handed back after' });
    expect(await rule.textContent()).toContain('Mind the rounding.');
    expect(await rule.textContent()).toContain('2 files changed meanwhile');
  });
});

it('in every width and light: nothing nameless, dim or wider than the screen', async () => {
  standing();
  host.set('mine', { activity: 'idle' });
  const page = await open('#/fleet');
  const audit = auditor(page);
  const clean = async (place: string) => expect(await audit(place)).toEqual([]);
  for (const name of ['held', 'asked', 'frozen', 'stuck', 'shell']) {
    await page.goto(`${fixture.console.url}/#/agent/${name}`);
    await page.waitForSelector(`main[aria-label="${name}"] .activity`);
    for (const receipt of await page.locator('.receipt summary').all()) await receipt.click();
    await clean(name);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menu').waitFor();
    await clean(`${name}, its menu`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+K');
    await page.getByRole('dialog').waitFor();
    await clean(`${name}, to be killed`);
    await page.keyboard.press('Escape');
  }
  await host.takeover('mine', { holder: 'somebody', when: 'now', cols: 80, rows: 24 });
  await page.goto(`${fixture.console.url}/#/agent/mine`);
  await page.locator('.lease').waitFor();
  await page.keyboard.press('b');
  await page.locator('dialog .changed .code').waitFor();
  await clean('mine, to be handed back');
});
