/** `trust`: what the repository in a workspace would have its engine run is left out, and said by plan and in the log. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { PlanView } from '../../src/host/api.ts';
import { LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('plan lists what a repository would run, the log says that it was left out, and trust lets it', async () => {
  const agents = (trust: boolean) => ({
    agents: { coder: { runtime: 'claude-code', goal: '[[say hello]]', ...(trust ? { trust } : {}) } },
  });
  fleet = await LiveFleet.make(agents(false));
  const workspace = join(fleet.project, 'workspaces', 'coder');
  fs.mkdirSync(join(workspace, '.claude'), { recursive: true });
  const command = 'touch "$CLAUDE_PROJECT_DIR/ran"';
  const settings = { hooks: { SessionStart: [{ matcher: '', hooks: [{ type: 'command', command }] }] } };
  fs.writeFileSync(join(workspace, '.claude', 'settings.json'), JSON.stringify(settings));
  const item = { file: '.claude/settings.json', kind: 'hook', what: `SessionStart: ${command}` };

  const plan = JSON.parse(await fleet.ok('plan', '--json')) as PlanView;
  expect(plan.changes[0]!.launch!.repository).toEqual({ trusted: false, items: [item] });
  expect(await fleet.ok('plan')).toMatch(/left out +hook SessionStart: .* applies with trust: true/);
  await fleet.up();
  await fleet.turns('coder', 1);
  expect((await fleet.event('repository.setup')).data).toEqual({ trusted: false, items: [item], more: 0 });
  expect(fs.existsSync(join(workspace, 'ran'))).toBe(false);

  // An edit of the file alone gives an agent no trust.
  fleet.configure(agents(true));
  await fleet.event('config.changed', ({ data }) => data.pending.includes('coder'));
  await fleet.ok('apply');
  await fleet.event('repository.setup', ({ data }) => data.trusted);
  await fleet.idle('coder');
  expect(fs.existsSync(join(workspace, 'ran'))).toBe(true);
}, 120_000);
