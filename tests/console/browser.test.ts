/** The console as a person uses it: the real server, the built page, a real Chromium, a scripted host. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { buildWeb, launchBrowser, openPage } from '../support/browser.ts';
import { Client, type ConsoleFixture, consoleFixture } from '../support/console-client.ts';
import { demoFleet } from '../support/demo-fleet.ts';
import { auditor } from '../support/page-audit.ts';
import { LONG } from '../support/run-tree.ts';

/** Of 288 KB. */
const BLOCKS = LONG ? 64 : 8;
/** Of the page with a hundred agents. */
const LOADS = LONG ? 5 : 2;

let web: Awaited<ReturnType<typeof buildWeb>>;
let browser: Browser;
let fixture: ConsoleFixture;
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
  complaints = [];
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await fixture.close();
  expect(complaints).toEqual([]);
});

async function open(options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
  const opened = await openPage(browser, fixture.console.loginLink(), options);
  complaints = opened.complaints;
  return opened.page;
}

async function openAgent(name: string, tab = ''): Promise<Page> {
  const page = await open();
  await page.waitForSelector('.row', { state: 'attached' });
  await page.goto(`${fixture.console.url}/#/agent/${name}${tab}`);
  await page.waitForSelector(`main[aria-label="${name}"]`);
  return page;
}

/** Failed attempts to connect are what some tests are about. */
function forgive(): void {
  const left = complaints.filter(
    (text) => !/ERR_CONNECTION|WebSocket|the server responded with a status of 4/.test(text),
  );
  complaints.splice(0, complaints.length, ...left);
}

/** The page's connections break, and new ones too. @returns what lets it connect again */
async function cutOff(page: Page): Promise<() => Promise<unknown>> {
  await page.addInitScript(`{
    const Plain = WebSocket;
    globalThis.sockets = [];
    globalThis.WebSocket = class extends Plain {
      constructor(...given) {
        super(...given);
        globalThis.sockets.push(this);
        if (globalThis.cut) this.close();
      }
    };
  }`);
  await page.reload();
  await page.getByText('line 5', { exact: true }).waitFor();
  await page.evaluate('globalThis.cut = true; for (const one of sockets) one.close()');
  return () => page.evaluate('globalThis.cut = false');
}

/** Another program at the port of a host that has died: it pretends, and keeps all that it is sent. */
class Impostor {
  readonly heard: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    const sockets = new WebSocketServer({ server });
    const headers = (request: IncomingMessage) =>
      this.heard.push(
        Object.entries(request.headers)
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n'),
      );
    server.on('request', (request, response) => {
      headers(request);
      response.setHeader('content-type', 'application/json').end('{}');
    });
    sockets.on('connection', (socket, request) => {
      headers(request);
      socket.on('message', (data) => {
        this.heard.push(String(data));
        socket.send(JSON.stringify({ type: 'proof', nonce: 'n'.repeat(32), code: 'A'.repeat(43) }));
        socket.send(JSON.stringify({ type: 'admitted' }));
      });
    });
  }

  static async listen(port: number): Promise<Impostor> {
    const server = createServer();
    const impostor = new Impostor(server);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return impostor;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** As long as a busy machine may need; the condition ends the wait. */
const poll = <T>(look: () => T, timeout = 15_000) => expect.poll(look, { timeout });

const focused = (page: Page): Promise<string> =>
  page.evaluate(
    'document.activeElement.getAttribute("data-approval") ?? document.activeElement.id',
  ) as Promise<string>;

describe('signing in', () => {
  it('shows the fleet, leaves nothing secret in the address, works in one browser only; and ends with how to come back', async () => {
    demoFleet(fixture.host);
    const link = fixture.console.loginLink();
    const { page, complaints: found } = await openPage(browser, link);
    complaints = found;
    await page.waitForSelector('.row');
    expect(page.url()).not.toMatch(/token|key/);
    await page.reload();
    await page.waitForSelector('.row');
    const other = await (await browser.newContext()).newPage();
    await other.goto(link);
    expect(await other.textContent('main')).toContain('aether console');
    expect(await other.locator('.row').count()).toBe(0);

    await page.bringToFront();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('sign out');
    await page.keyboard.press('Enter');
    await page.getByText('Signed out').waitFor();
    expect(await page.textContent('main')).toContain('aether console');
  });
});

describe('the fleet', () => {
  it('puts those that need someone first, the title says how many, and focus how a fact is known', async () => {
    demoFleet(fixture.host);
    const page = await open();
    await page.waitForSelector('.row');
    const groups = await page
      .locator('nav.fleet section')
      .evaluateAll((sections) =>
        sections.map((section) => [
          section.getAttribute('aria-label'),
          [...section.querySelectorAll('[data-agent]')].map((row) => row.getAttribute('data-agent')),
        ]),
      );
    expect(groups).toEqual([
      ['Needs you', ['reviewer', 'researcher', 'migrator']],
      ['Running', ['coder', 'docs', 'release', 'watcher']],
      ['Stopped', ['triage']],
    ]);
    await poll(() => page.title()).toBe('3 need you · reviewer · aether');
    fixture.host.set('docs', { activity: 'tool', last: 'grep -rn refund docs/' });
    await page.getByText('grep -rn refund docs/').waitFor();

    await page.goto(`${fixture.console.url}/#/agent/coder`);
    await page.waitForSelector('main[aria-label="coder"]');
    await page.locator('.fact').nth(1).focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    const tip = page.locator('[role=tooltip]:not([hidden])');
    await tip.waitFor();
    expect(await tip.textContent()).toMatch(/tool_use Bash\s*observed by stream \d+s ago/);

    const subagents = [
      {
        ...{ id: 's1', label: 'look it up', task: 'Look up the rates.', since_ms: 0 },
        ...{ activity: 'waiting-for-operator' as const, tool: 'exec', tokens: 12_345 },
      },
      {
        ...{ id: 's2', label: null, task: null, since_ms: 0 },
        ...{ activity: 'thinking' as const, tool: null, tokens: null },
      },
    ];
    fixture.host.set('coder', { subagents });
    await page.getByText('2 subagents at work').waitFor();
    const listed = page.getByRole('list', { name: 'Subagents of coder' }).getByRole('listitem');
    expect(await listed.nth(0).textContent()).toMatch(
      /look it up asks to use exec .* · 12k tokensLook up the rates\./,
    );
    expect(await listed.nth(1).textContent()).toMatch(/^s2 thinking /);
  });

  it('tells an empty fleet what to do', async () => {
    const page = await open();
    await page.getByRole('main').getByText('No agents yet.').waitFor();
    expect(await page.textContent('main')).toContain('aether init');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole('navigation', { name: 'Fleet' }).getByText('No agents yet.').waitFor();
  });

  it('shows a failed agent’s problem with its next step, a broken configuration, and changes that wait', async () => {
    demoFleet(fixture.host);
    const page = await openAgent('migrator');
    const problem = page.locator('.problem');
    expect(await problem.textContent()).toContain('ended with code 1 five times');
    expect(await problem.textContent()).toContain('aether logs migrator');
    await page.getByText('Changes wait:').waitFor();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('The configuration is applied.').waitFor();
    expect(fixture.host.asked).toEqual(['apply']);
    fixture.host.configProblem = {
      code: 'config.unknown-key',
      who: 'config',
      message: 'aether.yaml:14:5: "modle" is not a key of an agent.',
      next: 'Did you mean `model`?',
    };
    fixture.host.emit('config.broken', null);
    await page.getByText('the last good fleet keeps running').waitFor();
    await problem.getByRole('button', { name: 'Start again' }).click();
    await page.locator('.row[data-agent=migrator].working').waitFor();
    expect(fixture.host.asked).toContain('start migrator');
  });
});

describe('the conversation', () => {
  it('shows what agents write as text, never as a page', async () => {
    fixture.host.set('coder', {});
    const evil =
      '<img src=x onerror="document.title=\'owned\'"> **bold** [web](https://example.com/a) [bad](javascript:alert(1)) <script>document.title="owned"</script>';
    fixture.host.emit('message.assistant', 'coder', { text: evil });
    fixture.host.emit('tool.called', 'coder', { toolUseId: 't', tool: 'Bash', input: { command: evil } });
    fixture.host.emit('tool.finished', 'coder', { toolUseId: 't', text: evil, isError: true });
    fixture.host.emit('mail.sent', 'coder', { message: { from: evil, to: 'x', subject: evil, body: evil } });
    fixture.host.ask({
      agent: 'coder',
      kind: 'question',
      title: evil,
      detail: { question: evil, choices: [evil] },
    });
    const page = await openAgent('coder');
    await page.locator('.prose strong').first().waitFor();
    expect(await page.locator('.live-content img, .live-content script, .inbox img').count()).toBe(0);
    expect(await page.locator('.prose').first().textContent()).toContain('<img src=x');
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    const link = page.locator('.prose a').first();
    expect(await link.getAttribute('rel')).toContain('noreferrer');
    expect(await page.title()).not.toContain('owned');
  });

  it('renders a call as one line that opens, an edit as a diff, a deed as what it is', async () => {
    demoFleet(fixture.host);
    const page = await openAgent('coder');
    const grep = page.locator('.tool', { hasText: 'Grep' });
    expect(await grep.locator('.tool-body').count()).toBe(0);
    await grep.locator('summary').click();
    expect(await grep.locator('.tool-body').textContent()).toContain('src/refunds/handler.ts:41');
    const edit = page.locator('.tool', { hasText: 'ops/alerts.yaml' });
    expect(await edit.locator('.removed').textContent()).toContain('> 180');
    expect(await edit.locator('.added').textContent()).toContain('> 720');
    expect(await page.locator('.card.mail').textContent()).toContain('coder to reviewer');
    expect(await page.locator('.rule.held').first().textContent()).toContain('took over');
    expect(await page.locator('.told .receipt').textContent()).toContain('seen');
  });

  it('follows at the end; elsewhere nothing moves and a pill counts what is new', async () => {
    fixture.host.set('coder', {});
    const say = (n: number): void => {
      fixture.host.emit('message.assistant', 'coder', { text: `line ${n} `.repeat(30) });
    };
    for (let n = 1; n <= 150; n += 1) say(n);
    const page = await openAgent('coder');
    await page.getByText('line 150 ').first().waitFor();
    await poll(() => fromEnd(page)).toBeLessThan(3);
    say(151);
    await page.getByText('line 151 ').first().waitFor();
    await poll(() => fromEnd(page)).toBeLessThan(3);

    await page.locator('.live-scroll').hover();
    await page.mouse.wheel(0, -2_000);
    await page.getByRole('button', { name: 'Newest' }).waitFor();
    const before = await topLine(page);
    for (let n = 152; n <= 163; n += 1) say(n);
    await page.getByRole('button', { name: '12 new' }).waitFor();
    expect(await topLine(page)).toEqual(before);
    await page.getByRole('button', { name: '12 new' }).click();
    await poll(() => fromEnd(page)).toBeLessThan(3);
    expect(await page.locator('.pill').count()).toBe(0);
  });

  it('loads earlier pages, and keeps a long conversation within bounds', async () => {
    fixture.host.set('coder', {});
    for (let n = 1; n <= 700; n += 1) fixture.host.emit('message.assistant', 'coder', { text: `line ${n}` });
    const page = await openAgent('coder');
    await page.getByText('line 700', { exact: true }).waitFor();
    expect(await page.locator('.item').count()).toBe(300);
    await page.getByRole('button', { name: 'Load earlier' }).click();
    // While a page is being loaded, another click asks for nothing.
    await poll(() => page.locator('.item').count()).toBeGreaterThan(300);
    await page.getByRole('button', { name: 'Load earlier' }).click();
    await poll(() => page.locator('.item').count()).toBe(700);
    expect(await page.getByRole('button', { name: 'Load earlier' }).count()).toBe(0);
    const lines = await page.locator('.item .prose').allTextContents();
    expect(lines).toEqual(Array.from({ length: 700 }, (_, n) => `line ${n + 1}`));

    // The page follows again once it has heard of the scrolling; until then it drops nothing that is being read.
    await poll(async () => {
      await page.locator('.live-scroll').evaluate((element) => element.scrollTo(0, element.scrollHeight));
      return page.locator('.pill').count();
    }).toBe(0);
    for (let n = 701; n <= 1_600; n += 1)
      fixture.host.emit('message.assistant', 'coder', { text: `line ${n}` });
    await page.getByText('line 1600', { exact: true }).waitFor();
    expect(await page.locator('.item').count()).toBeLessThanOrEqual(1_500);
  });

  it('a host that goes away greys the page and says since when; it catches up without loss or repeat', async () => {
    fixture.host.set('coder', {});
    for (let n = 1; n <= 5; n += 1) fixture.host.emit('message.assistant', 'coder', { text: `line ${n}` });
    const page = await openAgent('coder');
    await page.getByText('line 5', { exact: true }).waitFor();
    const back = await cutOff(page);
    await page.getByText('Not connected to the host').waitFor();
    expect(await page.locator('.app.stale').count()).toBe(1);
    const stop = page.getByRole('button', { name: 'Stop' });
    expect(await stop.getAttribute('aria-disabled')).toBe('true');
    for (let n = 6; n <= 20; n += 1) fixture.host.emit('message.assistant', 'coder', { text: `line ${n}` });
    await back();
    await page.getByText('line 20', { exact: true }).waitFor();
    expect(await page.locator('.app.stale').count()).toBe(0);
    const lines = await page.locator('.item .prose').allTextContents();
    expect(lines).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n + 1}`));
    forgive();
  });

  it('a host that was started again is another: the page says so, and a new link signs the browser in', async () => {
    fixture.host.set('coder', {});
    const page = await openAgent('coder');
    await fixture.console.close();
    await page.getByText('Not connected to the host').waitFor();
    await fixture.start();
    await page.getByText('belonged to an earlier start of a host').waitFor();
    await page.reload();
    await page.getByText('belonged to an earlier start of a host').waitFor();
    await page.goto(fixture.console.loginLink());
    await page.waitForSelector('.row');
    expect(page.url()).not.toContain('link');
    // Its tabs have the session, as have those that are opened later; the link is spent.
    const other = await page.context().newPage();
    await other.goto(fixture.console.url);
    await other.waitForSelector('.row');
    forgive();
  });

  it('a link at the plain address works too, and a used one is a bookmark where the browser is signed in', async () => {
    fixture.host.set('coder', {});
    const link = fixture.console.loginLink(true);
    const { page } = await openPage(browser, link);
    await page.waitForSelector('.row');
    const other = await page.context().newPage();
    await other.goto(link);
    await other.waitForSelector('.row');
    const { page: stranger } = await openPage(browser, link);
    await stranger.getByText('The link was used before').waitFor();
    await stranger.goto(fixture.console.url);
    await stranger.getByText('This browser is not signed in').waitFor();
  });

  it('a program that took the port of a dead host learns nothing from an open tab, and the page says what it is', async () => {
    fixture.host.set('coder', {});
    const page = await openAgent('coder');
    const [id, key] = ((await page.evaluate('localStorage.getItem("aether.session")')) as string).split('.');
    await fixture.console.close();
    const impostor = await Impostor.listen(fixture.port);
    try {
      await page.getByText('could not show that it is the host').waitFor();
      const said = impostor.heard.join('\n');
      expect(said).toContain(id);
      expect(said).not.toContain(key);
      expect(said).not.toMatch(/^cookie:/im);
      const messages = impostor.heard.flatMap((text) => (text.startsWith('{') ? [JSON.parse(text)] : []));
      expect(messages.map(({ type }) => type)).toEqual(['hello']);
      // What it makes of that opens nothing, neither here nor at the next start.
      await impostor.close();
      await fixture.start();
      await new Client(fixture.port, id!, messages[0].nonce).socket('/ws').message('refused');
    } finally {
      await impostor.close();
    }
    forgive();
  });

  it('a message to the agent shows how far it is known to have come', async () => {
    fixture.host.set('coder', {});
    const page = await openAgent('coder');
    await page.keyboard.press('i');
    await poll(() => focused(page)).toBe('composer');
    await page.keyboard.type('use the staging key');
    await page.keyboard.press('Enter');
    const receipt = page.locator('.told .receipt');
    await receipt.waitFor();
    expect(await receipt.textContent()).toContain('queued');
    const [{ id } = { id: '' }] = fixture.host.injections('coder');
    fixture.host.emit('inject.delivered', 'coder', { inject: id, evidence: 'frame 7' });
    fixture.host.emit('inject.seen', 'coder', { inject: id, evidence: 'command_lifecycle started' });
    fixture.host.emit('message.user', 'coder', { text: 'use the staging key', injectId: id });
    await poll(() => receipt.textContent()).toContain('seen');
    expect(await page.locator('.told').count()).toBe(1);
    expect(await page.inputValue('#composer')).toBe('');
  });

  it('a verb the state does not allow is no button, and says why on focus', async () => {
    fixture.host.set('coder', { state: 'running', activity: 'idle' });
    await fixture.host.takeover('coder', { holder: 'aether attach', when: 'now', cols: 80, rows: 24 });
    const page = await openAgent('coder');
    await page.getByText('aether attach holds coder').waitFor();
    await page.keyboard.press('t');
    expect(await page.locator('dialog').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Take over' }).count()).toBe(0);
    await page.getByRole('button', { name: 'More actions' }).press('Enter');
    const interrupt = page.getByRole('menuitem', { name: 'Interrupt the turn' });
    await poll(() => page.evaluate('document.activeElement.getAttribute("role")')).toBe('menuitem');
    for (let n = 0; n < 3; n += 1) await page.keyboard.press('ArrowDown');
    expect(await interrupt.getAttribute('aria-disabled')).toBe('true');
    const tip = page.locator('[role=tooltip]:not([hidden])');
    await poll(() => tip.textContent()).toContain('interrupt it in its terminal');
    await page.keyboard.press('Enter');
    expect(fixture.host.asked).toEqual(['takeover coder']);
    await page.keyboard.press('Escape');
    expect(await page.getByLabel('Message to coder').getAttribute('placeholder')).toContain(
      'after the hand-back',
    );
    expect(await page.locator('main.held-theirs').count()).toBe(1);
  });
});

describe('the inbox', () => {
  it('a permission is allowed by keyboard; the first press only goes there', async () => {
    demoFleet(fixture.host);
    const page = await openAgent('reviewer');
    await page.locator('.live [data-approval]').waitFor();
    const [permission] = fixture.host.approvals({ agent: 'reviewer' });
    await page.keyboard.press('a');
    expect(fixture.host.approvals({ agent: 'reviewer' })).toHaveLength(1);
    await poll(() => focused(page)).toBe(permission!.id);
    await page.keyboard.press('a');
    await page.locator('.verdict.yes').waitFor();
    const all = fixture.host.approvals({ state: 'all', agent: 'reviewer' });
    expect(all[0]?.answer).toEqual({ allow: true });
    await poll(() => page.title()).toBe('2 need you · reviewer · aether');
    expect(await page.locator('.inbox .answered').textContent()).toContain('Allowed');
  });

  it('a permission is denied with a reason, a question answered by its number and in words', async () => {
    demoFleet(fixture.host);
    fixture.host.ask({
      agent: 'docs',
      kind: 'question',
      title: 'Which name?',
      detail: { question: 'Which name?' },
    });
    const page = await openAgent('coder');
    const inbox = page.locator('.inbox');
    await inbox.getByRole('button', { name: 'Deny because…' }).click();
    await page.keyboard.type('use the staging database');
    await page.keyboard.press('Enter');
    await poll(() => fixture.host.approvals({ state: 'all', agent: 'reviewer' })[0]?.answer).toEqual({
      allow: false,
      text: 'use the staging database',
    });
    // The field it was typed into goes with the question; until then letters are text.
    await poll(() => inbox.locator('[data-approval]').count()).toBe(2);
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await poll(() => focused(page)).toBe(fixture.host.approvals({ agent: 'researcher' })[0]!.id);
    await page.keyboard.press('2');
    await poll(() => fixture.host.approvals({ state: 'all', agent: 'researcher' })[0]?.answer).toEqual({
      text: 'Wait for credentials',
    });
    await inbox.getByLabel('Answer to docs').fill('`refunds`');
    await page.keyboard.press('Enter');
    await inbox.getByText('Nothing needs you.').waitFor();
    expect(fixture.host.approvals({ state: 'all', agent: 'docs' })[0]?.answer).toEqual({ text: '`refunds`' });
  });

  it('announces what arrives, and says what happens if nobody answers', async () => {
    fixture.host.set('coder', {});
    const page = await openAgent('coder');
    fixture.host.ask({
      agent: 'coder',
      kind: 'permission',
      title: 'Bash',
      detail: { tool: 'Bash', input: { command: 'npm publish' } },
      otherwise: 'After 10 minutes it is denied.',
    });
    const card = page.locator('.inbox [data-approval]');
    await card.waitFor();
    expect(await card.textContent()).toContain('npm publish');
    expect(await card.textContent()).toContain('After 10 minutes it is denied.');
    expect(await page.locator('.inbox [role=status]').textContent()).toBe('coder asks: Bash');
  });
});

describe('the terminal', () => {
  it('is taken over at the boundary, typed into, watched read-only by others, and handed back with a note', async () => {
    fixture.host.set('coder', { activity: 'tool', last: 'npm test', activityEvidence: null });
    const page = await openAgent('coder', '/terminal');
    await page.getByText('coder runs without a terminal.').waitFor();
    expect(fixture.host.asked).toEqual([]);

    await page.keyboard.press('t');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Take-over requested').waitFor();
    expect(await page.locator('.lease').textContent()).toContain('npm test');
    await page.getByText('opens here as soon as the boundary is reached').waitFor();
    fixture.host.reachBoundary('coder');
    await page.getByText('You hold coder').waitFor();
    expect(await page.locator('main.held-mine.held').count()).toBe(1);

    const screen = page.locator('.xterm-rows');
    await poll(() => screen.textContent()).toContain('$');
    await page.keyboard.type('echo "answer $((6*7)) from $(tty)"\n');
    await poll(() => screen.textContent()).toMatch(/answer 42 from \/dev\/pts/);
    // The program's terminal has the size of the pane.
    await poll(() => fixture.host.agent('coder').terminal.rows).toBeGreaterThan(30);
    await page.keyboard.type('stty size\n');
    const { rows, cols } = fixture.host.agent('coder').terminal;
    await poll(() => screen.textContent()).toContain(`${rows} ${cols}`);

    const watcher = (await openPage(browser, fixture.console.loginLink())).page;
    await watcher.waitForSelector('.row', { state: 'attached' });
    await watcher.goto(`${fixture.console.url}/#/agent/coder/terminal`);
    const theirs = watcher.locator('.xterm-rows');
    await poll(() => theirs.textContent()).toMatch(/answer 42/);
    await watcher.getByText('Watching, read-only').waitFor();
    await watcher.locator('.xterm').click();
    const written = fixture.host.terminal('coder').written.length;
    await watcher.keyboard.type('echo intruder\n');
    await page.locator('.xterm').click();
    await page.keyboard.type('echo done\n');
    await poll(() => screen.textContent()).toMatch(/done.*done/s);
    expect(fixture.host.terminal('coder').written.slice(written).join('')).toBe('echo done\r');

    await page.keyboard.press('Control+]');
    await page.locator('dialog[open]').waitFor();
    await page.getByLabel('Note for the agent').fill('Fixed it by hand.');
    await page.keyboard.press('Control+Enter');
    await poll(() => page.locator('.rule.held').allTextContents()).toHaveLength(2);
    const rule = page.locator('.rule.held').last();
    expect(await rule.textContent()).toContain('Fixed it by hand.');
    expect(await rule.textContent()).toContain('One file changed meanwhile');
    expect(await page.locator('.lease').count()).toBe(0);
    await watcher.getByText('coder runs without a terminal.').waitFor();
    expect(fixture.host.asked).toEqual(['takeover coder', 'handback coder']);
  });

  it('has the size of the window that was used last, and of the one before it when that is closed', async () => {
    fixture.host.set('coder', {});
    const first = await openAgent('coder', '/terminal');
    await first.getByText('coder runs without a terminal.').waitFor();
    await first.keyboard.press('t');
    await first.locator('dialog[open]').waitFor();
    await first.keyboard.press('Enter');
    const keys = 'Your keys go to the program';
    const elsewhere = 'Sized by another window of yours';
    await first.getByText(keys).waitFor();
    const size = () => {
      const { cols, rows } = fixture.host.terminal('coder').info!;
      return `${cols}×${rows}`;
    };
    await poll(() => fixture.host.agent('coder').terminal.rows).toBeGreaterThan(30);
    const large = size();

    const second = await first.context().newPage();
    await second.setViewportSize({ width: 900, height: 500 });
    await second.goto(first.url());
    await second.getByText(keys).waitFor();
    await first.getByText(elsewhere).waitFor();
    const small = size();
    expect(small).not.toBe(large);
    expect(await first.locator('.terminal-bar .size').textContent()).toBe(small);
    expect(await first.locator('.terminal-pane.boxed').count()).toBe(1);

    const phone = await first.context().newPage();
    await phone.setViewportSize({ width: 390, height: 844 });
    await phone.goto(first.url());
    await phone.getByText(keys).waitFor();
    await second.getByText(elsewhere).waitFor();
    expect(fixture.host.terminal('coder').info!.cols).toBeLessThan(60);

    // A window that is not used may change its size as it likes.
    const narrow = size();
    await first.setViewportSize({ width: 1200, height: 800 });
    await second.bringToFront();
    await second.locator('.xterm').click();
    await second.getByText(keys).waitFor();
    await phone.getByText(elsewhere).waitFor();
    expect(size()).toBe(small);
    expect(narrow).not.toBe(small);
    expect(await phone.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);

    await first.bringToFront();
    await first.locator('.xterm').click();
    await first.keyboard.type('stty size\n');
    await first.getByText(keys).waitFor();
    const { cols, rows } = fixture.host.terminal('coder').info!;
    await poll(() => second.locator('.xterm-rows').textContent()).toContain(`${rows} ${cols}`);

    await first.close();
    await second.getByText(keys).waitFor();
    expect(size()).toBe(small);
    await second.close();
    await phone.getByText(keys).waitFor();
    expect(size()).toBe(narrow);
  });

  it('after a sleep shows the present at once, and never the past beside it', async () => {
    fixture.host.set('coder', {});
    const page = await openAgent('coder', '/terminal');
    await page.getByText('coder runs without a terminal.').waitFor();
    await page.keyboard.press('t');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Your keys go to the program').waitFor();
    await page.goto(`${fixture.console.url}/#/agent/coder`);
    await page.getByText('You hold coder').waitFor();
    // 75 s in which nothing of the page ran.
    await page.evaluate(`{
      globalThis.both = 0;
      const look = () => {
        const returned = [...document.querySelectorAll('.rule')].some((rule) => /handed back/i.test(rule.textContent));
        if (returned && /You hold coder/.test(document.body.textContent)) both += 1;
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      const now = Date.now;
      Date.now = () => now() + 75_000;
    }`);
    const { generation } = fixture.host.agent('coder').lease!;
    fixture.host.handback('coder', { generation });
    await poll(() =>
      page
        .locator('.rule')
        .allTextContents()
        .then((all) => all.join()),
    ).toMatch(/handed back/i);
    await poll(() => page.getByText('You hold coder').count()).toBe(0);
    expect(await page.evaluate('both')).toBe(0);
  });

  it('draws, and does not obey: no title, no clipboard, no odd link', async () => {
    fixture.host.set('coder', { terminal: { available: true, cols: 80, rows: 24, kind: 'engine' } });
    const terminal = fixture.host.terminal('coder');
    terminal.begin({ run: 'run_coder', process: 1, cols: 80, rows: 24 });
    const page = await openAgent('coder', '/terminal');
    await page.evaluate(`
      globalThis.reached = [];
      navigator.clipboard.writeText = async (text) => void reached.push('clipboard ' + text);
      document.execCommand = (name) => reached.push('command ' + name) > 0;
      globalThis.open = (url) => reached.push('open ' + url) && null;
      globalThis.Notification = class { constructor(title) { reached.push('notification ' + title); } };
    `);
    const osc = (text: string): string => `\x1b]${text}\x07`;
    terminal.feed(
      Buffer.from(
        `${osc('0;owned')}${osc('2;owned')}${osc(`52;c;${Buffer.from('stolen').toString('base64')}`)}${osc('9;hello')}` +
          `${osc('8;;javascript:document.title=`owned`')}click-me${osc('8;;')} ${osc('8;;https://example.com/a')}web-page${osc('8;;')} \x1b[21t\x1b[c\x1b[6n plain \x1b[32mgreen\x1b[0m\r\n`,
      ),
    );
    const screen = page.locator('.xterm-rows');
    await poll(() => screen.textContent()).toContain('plain green');
    // Links of xterm are decided by where the mouse is, over a layer of its own.
    const clickOn = async (text: string): Promise<void> => {
      // The rows are drawn again while the mouse passes over them.
      const find = () => page.getByText(text).first().boundingBox();
      let box = await find();
      while (box === null) box = await find();
      await page.mouse.move(box.x + 20, box.y + box.height / 2, { steps: 4 });
      await page.evaluate('new Promise(requestAnimationFrame)');
      await page.mouse.click(box.x + 20, box.y + box.height / 2);
    };
    await clickOn('click-me');
    expect(await page.title()).toBe('coder · aether');
    expect(await page.evaluate('reached')).toEqual([]);
    await clickOn('web-page');
    await poll(() => page.evaluate('reached')).toEqual(['open https://example.com/a']);
    expect(terminal.written).toEqual([]);
    // Sequences that xterm.js fails on, or repeats two billion times.
    const repeats = ['S', 'T', 'L', 'M', 'I', 'Z', 'b'].map((final) => `a\x1b[2147483647${final}`).join('');
    terminal.feed(Buffer.from(`${repeats}\x1b[999;999Hx\x1b[1J\x1b[H\x1b[2Jstill here`));
    await poll(() => screen.textContent()).toContain('still here');
  });

  it('a program that prints faster than the page draws costs bounded memory, and its end is seen', async () => {
    fixture.host.set('coder', { terminal: { available: true, cols: 80, rows: 24, kind: 'engine' } });
    const terminal = fixture.host.terminal('coder');
    terminal.begin({ run: 'run_coder', process: 1, cols: 80, rows: 24 });
    const page = await openAgent('coder', '/terminal');
    await page.getByText('Watching, read-only').waitFor();
    const block = Buffer.from(`${'0123456789'.repeat(7)}\r\n`.repeat(4_000));
    for (let n = 0; n < BLOCKS; n += 1) terminal.feed(block);
    terminal.feed(Buffer.from('the very end\r\n'));
    expect(terminal.pauses).toBeGreaterThan(0);
    const begun = Date.now();
    await poll(() => page.locator('.xterm-rows').textContent(), 25_000).toContain('the very end');
    const megabytes = (block.length * BLOCKS) / 1e6;
    console.log(
      `terminal: ${(megabytes / ((Date.now() - begun) / 1_000)).toFixed(1)} MB/s drawn of ${megabytes.toFixed(0)} MB`,
    );
  });
});

describe('every width and light', () => {
  it('nothing nameless, dim or wider than the screen', async () => {
    demoFleet(fixture.host);
    const page = await open();
    const audit = auditor(page);
    await page.waitForSelector('.row', { state: 'attached' });
    const places = [
      ...['', '#/fleet', '#/inbox', '#/agent/coder', '#/agent/reviewer', '#/agent/migrator'],
      ...['#/agent/docs/terminal', '#/agent/watcher/terminal'],
    ];
    for (const place of places) {
      await page.goto(`${fixture.console.url}/${place}`);
      await page.waitForSelector('.row', { state: 'attached' });
      if (place.includes('/agent/'))
        await page
          .locator(':is(.activity, .problem, .terminal .empty, .xterm-rows):visible')
          .first()
          .waitFor();
      expect(await audit(place)).toEqual([]);
    }
    for (const [key, kind] of [
      ['t', 'Take over coder'],
      ['?', 'Keyboard shortcuts'],
      ['Control+k', 'Commands'],
    ] as const) {
      await page.goto(`${fixture.console.url}/#/agent/coder`);
      await page.locator('.activity').waitFor();
      await page.keyboard.press(key);
      await page.locator(`dialog[aria-label="${kind}"]`).waitFor();
      expect(await audit(kind)).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });

  it('on a phone the inbox comes first, and an answer is one tap from there', async () => {
    demoFleet(fixture.host);
    const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const allow = page.locator('.inbox').getByRole('button', { name: 'Allow' });
    await allow.tap();
    await poll(() => fixture.host.approvals({ agent: 'reviewer' })).toEqual([]);
    await page.getByRole('link', { name: 'Fleet' }).first().tap();
    await page.locator('.row[data-agent=coder]').tap();
    await page.locator('.live .activity').waitFor();
    await page.getByRole('button', { name: 'Take over' }).tap();
    await page.locator('dialog[open]').waitFor();
  });
});

describe('how fast and how small', () => {
  it('loads in 52 KB, and paints a fleet of 100 agents within 300 ms', async () => {
    for (let n = 0; n < 100; n += 1) {
      fixture.host.set(`agent-${String(n).padStart(3, '0')}`, {
        activity: n % 3 ? 'thinking' : 'idle',
        goal: `Work on part ${n} of a larger thing`,
        last: `step ${n}`,
        cost_usd: n / 10,
      });
    }
    const page = await open();
    await page.waitForSelector('.row');
    let bytes = 0;
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    session.on('Network.loadingFinished', (event) => {
      bytes += event.encodedDataLength;
    });
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find((metric) => metric.name === 'TaskDuration')!.value * 1_000;
    };
    const wall: number[] = [];
    const work: number[] = [];
    for (let n = 0; n < LOADS; n += 1) {
      bytes = 0;
      await page.goto('about:blank');
      const before = await busy();
      await page.goto(`${fixture.console.url}/#/fleet`);
      // From the start of the navigation to the frame that shows the hundredth row.
      const painted = (await page.evaluate(`new Promise((resolve) => {
        const look = () => document.querySelectorAll('.row').length === 100
          ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
          : requestAnimationFrame(look);
        look();
      })`)) as number;
      wall.push(painted);
      work.push((await busy()) - before);
    }
    const list = (values: number[]): string => values.map((ms) => ms.toFixed(0)).join(', ');
    console.log(
      `console: ${(bytes / 1_024).toFixed(1)} KB first load; 100 agents painted after ${list(wall)} ms, of which the page worked ${list(work)} ms`,
    );
    expect(bytes).toBeGreaterThan(10_000);
    // What is not seen at first is loaded when it is: the console's own limit is 150 KB.
    expect(bytes).toBeLessThanOrEqual(52 * 1_024);
    // Others use the machine at the same time: what the page itself costs is the part that can be judged.
    expect(Math.min(...work)).toBeGreaterThan(1);
    expect(Math.min(...work)).toBeLessThanOrEqual(300);
  });
});

const fromEnd = (page: Page): Promise<number> =>
  page
    .locator('.live-scroll')
    .evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);

/** The first visible line and where it stands. */
const topLine = (page: Page): Promise<unknown> =>
  page.locator('.live-scroll').evaluate((scroller) => {
    const top = scroller.getBoundingClientRect().top;
    const item = [...scroller.querySelectorAll('.item')].find(
      (row) => row.getBoundingClientRect().bottom > top,
    );
    return [item?.textContent.slice(0, 30), Math.round((item?.getBoundingClientRect().top ?? 0) - top)];
  });
