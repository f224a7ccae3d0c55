/**
 * Plain words: comments, messages and documents name their subject. A word of the list leaves the reader to find out who
 * acts; the sentence with its subject is as short.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READ = ['src', 'docs', 'templates', 'README.md', 'CHANGELOG.md'];

/** What is not written, and what to write instead. */
const RIDDLES: [RegExp, string][] = [
  [/\b(?:who(?:m)?(?:so)?ever|who(?:m)?soever)\b/i, 'the process, the caller, the client, the agent'],
  [/\b(?:every|any|some)body\b/i, 'every process, each viewer, another agent, a person'],
  // A person may answer, read, hold, acknowledge; that none does is said so.
  [
    /\bnobody(?! (?:will )?(?:answers?|answered|has read|has acknowledged|holds|did|else)\b)(?!:x:|:\/)/i,
    'no process, no client, no person',
  ],
  [/\bgo(?:es)? by (?:the|somebody's|another's) words?\b/i, 'follows the message of …'],
  [
    /\b(?:hither|thither|whence|thence|thereof|therein|henceforth|lest|ere|naught|aught)\b/i,
    'today’s English',
  ],
  [/\b(?:his|her) (?:child|parent|socket|process|door|shim|engine)\b/i, 'its …: a process is no person'],
];

/** Names of code, which the rules are not about. */
const NAMES = /<Nobody \/>|function Nobody|agent nobody|\.nobody\b|'nobody'|nobody:x/;

const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...READ], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter(
    (file) => /\.(?:[cm]?[jt]sx?|md|ya?ml|css|html)$/.test(file) && !file.endsWith('look-alike-data.ts'),
  );

function riddlesIn(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    RIDDLES.flatMap(([riddle, instead]) => {
      const found = NAMES.test(line) ? null : riddle.exec(line);
      return found === null ? [] : [`${index + 1}: “${found[0]}”; better: ${instead}`];
    }),
  );
}

test('comments, messages and documents name their subject', () => {
  expect(files.length).toBeGreaterThan(400);
  const found = files.flatMap((file) =>
    riddlesIn(readFileSync(`${ROOT}${file}`, 'utf8')).map((riddle) => `${file}:${riddle}`),
  );
  expect(found).toEqual([]);
});

test('each of the words is found, and plain sentences are not', () => {
  for (const riddle of [
    'Told to whoever waits.',
    'Everybody in the group.',
    'it helps nobody',
    'It goes by the words of another.',
    'The file thereof.',
    'A parent and his child process',
  ])
    expect(riddlesIn(riddle), riddle).toHaveLength(1);
  for (const plain of ['What happens if nobody answers.', 'Nobody holds it.', 'The caller saves it.'])
    expect(riddlesIn(plain), plain).toEqual([]);
});
