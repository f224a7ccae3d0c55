/** What boxes keep is looked at as soon as it was replaced, and only then. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeptWatch } from '../../../../src/host/operations/launch/kept-watch.ts';

let root: string;
let watch: KeptWatch;
let covered: string[];
/** What a cover does besides; it may take its time. */
let meanwhile: (place: string) => Promise<void>;
let told: PromiseWithResolvers<void>;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'aether-watch-'));
  covered = [];
  meanwhile = () => Promise.resolve();
  told = Promise.withResolvers();
  watch = new KeptWatch(async (place) => {
    covered.push(place);
    await meanwhile(place);
    told.resolve();
    told = Promise.withResolvers();
  });
});
afterEach(() => {
  watch.close();
  fs.rmSync(root, { recursive: true });
});

const file = (name: string): string => {
  const path = join(root, name);
  fs.writeFileSync(path, name);
  return path;
};
const replace = (path: string) => {
  fs.writeFileSync(`${path}.new`, 'new');
  fs.renameSync(`${path}.new`, path);
};

test('a file that is replaced, time and again; one that is written to or beside is left alone', async () => {
  const config = file('config');
  watch.follow(new Set([config]));
  fs.appendFileSync(config, 'more');
  file('beside');
  for (let round = 1; round <= 3; round += 1) {
    const next = told.promise;
    replace(config);
    await next;
    expect(covered).toHaveLength(round);
  }
});

test('what is replaced during a cover is covered once more; a directory as well; what was removed is not', async () => {
  const [hooks, other] = [join(root, 'hooks'), join(root, 'other')];
  const config = file('config');
  for (const path of [hooks, other, `${other}.new`]) fs.mkdirSync(path);
  watch.follow(new Set([hooks, config, other]));
  fs.rmdirSync(hooks);
  meanwhile = async () => {
    meanwhile = () => Promise.resolve();
    replace(config);
  };
  let next = told.promise.then(() => told.promise);
  replace(config);
  await next;
  next = told.promise;
  fs.renameSync(`${other}.new`, other);
  await next;
  expect(covered).toEqual([config, config, other]);
  // It is there again: watched from the next look on.
  fs.mkdirSync(hooks);
  watch.follow(new Set([hooks]));
  next = told.promise;
  fs.mkdirSync(`${hooks}.new`);
  fs.renameSync(`${hooks}.new`, hooks);
  await next;
  expect(covered.at(-1)).toBe(hooks);
});

test('what no run keeps any more, what has a second name, a link and what is not there are not watched', async () => {
  const gone = file('gone');
  const twice = file('twice');
  const last = file('last');
  fs.linkSync(twice, join(root, 'elsewhere'));
  fs.symlinkSync('last', join(root, 'link'));
  watch.follow(new Set([gone]));
  watch.follow(new Set([twice, last, join(root, 'link'), join(root, 'missing')]));
  for (const path of [gone, twice]) replace(path);
  const next = told.promise;
  replace(last);
  await next;
  expect(covered).toEqual([last]);
});
