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
  [/\banew\b/i, 'again'],
  [/\bin vain\b|\bof (?:its|their) own accord\b|\btakes? after\b/i, 'without success, by itself, is like'],
  [/\b(?:made|makes?|making) (?:it |them )?so\b(?! (?:that|as|much|many)\b)/i, 'applies, enforces, starts'],
  [/\bwhatever became\b|\bwhat (?:becomes?|became|has become) of\b/i, 'the outcome, what happens to'],
  [/\bthere is no telling\b|\bcannot be told (?:whether|where|how)\b/i, 'it is not known'],
  [/\bnot (?:be )?seen as (?:it is|they are)\b/i, 'looks different from what it is'],
  [/\bnot true yet\b/i, 'not in effect yet'],
  [/\bwhose time is over\b|\bhas the next word\b/i, 'expired, decides'],
  [/\bnever heard of\b/i, 'does not know'],
  [/\bheld against (?:the|a|these|its)\b/i, 'checked against'],
  [/\bin (?:these|whose) hands\b|\bhands it went through\b/i, 'hold, passed on'],
  [/\b(?:is|are) no (?:path|request|cursor|quote|regular expression|id) /i, 'is not a …'],
  [/\bmay not be (?:entered|read|used) by\b/i, 'X may not enter'],
  [/\b[Mm]end (?:it|them|that|the|what)\b/, 'correct'],
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
    'It is made anew.',
    'It was looked for in vain.',
    'The host makes it so.',
    'Nothing tells what became of it.',
    'It cannot be told whether it was read.',
    'Characters that are not seen as they are.',
    'Asked for, and not true yet.',
    'A lease whose time is over.',
    'It has never heard of agents.',
    'The name is held against the rules.',
    'It is not in these hands any more.',
    'The text is no cursor of a log.',
    'It may not be entered by you.',
    'Mend what it names.',
  ])
    expect(riddlesIn(riddle), riddle).toHaveLength(1);
  for (const plain of [
    'It is made so that it lasts.',
    'No difference can be seen.',
    'Those cannot be told apart.',
    'What happens if nobody answers.',
    'Nobody holds it.',
    'The caller saves it.',
  ])
    expect(riddlesIn(plain), plain).toEqual([]);
});
