/** A command that is printed for people works where they read it; a question is printed so that it can be answered. */
import { expect, it } from 'vitest';
import type { EventView } from '../../../src/host/api.ts';
import { engineOffer } from '../../../src/host/cli/engine-offer.ts';
import { completed, hintFor } from '../../../src/host/cli/hints.ts';
import { clientOf, eventLines } from '../../../src/host/cli/transcript.ts';
import type { Detection } from '../../../src/runtimes/runtime.ts';

const cwd = process.cwd();
const invoked = (stateDir: string, configNamed = false) => ({
  configFile: `${cwd}/fleet/aether.yaml`,
  configNamed,
  stateDir,
});

it('names the host as from here, and npx where npm started it', () => {
  const env = { npm_execpath: '/usr/lib/npm-cli.js', INIT_CWD: cwd };
  const from = hintFor(invoked(`${cwd}/.aether`), env);
  expect(from('restart scout --fresh')).toBe('npx aether restart scout --fresh --state .aether');
  expect(hintFor(invoked('/srv/it is here'), {})('ps')).toBe("aether ps --state '/srv/it is here'");
  expect(hintFor(invoked(`${cwd}/fleet/.aether`, true), {})('ps')).toBe('aether ps -f fleet/aether.yaml');
  expect(hintFor(invoked(`${cwd}/fleet/.aether`), {})('ps')).toBe('aether ps');
  const both = hintFor(invoked('/srv/state', true), {});
  expect([both('plan'), both('down')]).toEqual([
    'aether plan -f fleet/aether.yaml --state /srv/state',
    'aether down --state /srv/state',
  ]);
  expect(hintFor(invoked(`${cwd}/fleet/.aether`, true), {})('logs -f scout')).toBe(
    'aether logs -f scout --file fleet/aether.yaml',
  );
});

it('a question is shown whole, with its choices and how it is answered', () => {
  const question = `Which wish? ${'A long reason. '.repeat(30)}`;
  const event: EventView = {
    seq: 1,
    id: 'e',
    cursor: 'c',
    at_ms: 0,
    topic: 'approval.opened',
    agent: 'writer',
    run: null,
    principal: 'agent:writer',
    grade: 'enforced',
    data: {
      approval: '0198c2',
      kind: 'question',
      title: question.slice(0, 100),
      detail: { question, choices: ['the app', 'the\x1b[2J price'] },
    },
  };
  expect(clientOf(event)).toBe(null);
  expect(clientOf({ ...event, agent: null, principal: 'client:laptop' })).toBe('client:laptop');
  expect(eventLines(event, (words) => `npx aether ${words} --state .aether`)).toEqual([
    '? ! 1 terminal escape sequence',
    `  ${question.trim()}`,
    '  choices: the app · the<\\x1b[2J> price',
    '  answer: npx aether approvals answer 0198c2 TEXT --state .aether',
  ]);
});

it('a command inside a sentence, whoever wrote it, names the host too', () => {
  const by = hintFor(invoked('/srv/state'), {});
  expect(completed('See `aether logs a`, correct the cause, then `aether start a`.', by)).toBe(
    'See `aether logs a --state /srv/state`, correct the cause, then `aether start a --state /srv/state`.',
  );
  expect(completed('Say `aether run a -- "…"`.', by)).toBe('Say `aether run a --state /srv/state -- "…"`.');
  for (const whole of ['`aether up --help`', '`aether host --file F --state D`', '`aether`', 'aether ps'])
    expect(completed(whole, by)).toBe(whole);
});

it('an engine is offered when it is proven that it can log in, the preferred one first', () => {
  const detection = (runtime: Detection['runtime'], facts: Partial<Detection>): Detection => ({
    runtime,
    usable: true,
    binary: null,
    version: '2.1.0',
    canLogIn: true,
    model: true,
    missing: [],
    ...facts,
  });
  const command = detection('command', { version: null, model: false });
  const nobody = [
    command,
    detection('claude-code', { canLogIn: false }),
    detection('builtin', { canLogIn: false }),
  ];
  expect(engineOffer(nobody, 'npx aether')).toBe(
    'No engine can log in to a model here yet: `npx aether doctor` says what is missing.',
  );
  expect(engineOffer([...nobody.slice(0, 2), detection('builtin', {})], 'aether')).toMatch(
    /^builtin 2\.1\.0 can log in to a model here\. .*`aether init -f /,
  );
  const both = [detection('claude-code', {}), detection('builtin', {}), command];
  expect(engineOffer(both, 'aether')).toMatch(/^claude-code 2\.1\.0 can/);
  expect(engineOffer([detection('claude-code', { usable: false }), command], 'aether')).toMatch(/^No engine/);
});
