/** What the gateway hears of changes of its configuration: nothing, of other files all. */
import fs, { watch, watchFile } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { leaveUnwatched } from '../../../src/runtimes/openclaw/driver/unwatched.ts';
import { eventually } from '../../support/eventually.ts';

test('its file and the directory of that are not heard of, others are', async () => {
  const root = fs.mkdtempSync(join(tmpdir(), 'aether-unwatched-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true }));
  const [file, other] = [join(root, 'run', 'openclaw.json'), join(root, 'other.json')];
  fs.mkdirSync(join(root, 'run'));
  for (const path of [file, other]) fs.writeFileSync(path, 'before');
  leaveUnwatched(file);
  const heard: string[] = [];
  for (const path of [file, join(root, 'run'), join(root, 'run', '..', 'run', 'openclaw.json'), other]) {
    const watcher = watch(path, () => heard.push(path));
    onTestFinished(() => watcher.close());
  }
  watchFile(file, { interval: 20 }, () => heard.push('polled'));
  for (const path of [file, other]) fs.writeFileSync(path, 'after');
  await eventually('the other is heard of', () => heard.includes(other));
  await sleep(200);
  expect(new Set(heard)).toEqual(new Set([other]));
});
