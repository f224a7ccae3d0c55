/** A command as the steps that run: where a shell ends one and where it does not, and what runs inside. */
import { describe, expect, it } from 'vitest';
import { stepsOf } from '../../../src/host/shown/shell-steps.ts';

/** `joint text`, indented by depth, with what it runs in. */
const read = (command: string) =>
  stepsOf(command).steps.map(
    ({ joint, text, depth, within }) =>
      `${'  '.repeat(depth)}${joint.replace('\n', '\\n')} ${within === null ? '' : `[${within}] `}${text}`,
  );

describe('splits where a shell does', () => {
  it.each<[string, string[]]>([
    ['a && b || c; d | e |& f & g', [' a', '&& b', '|| c', '; d', '| e', '|& f', '& g']],
    ['a\nb\n\nc', [' a', '\\n b', '\\n c']],
    ['echo \'a; b\' "c && d" e\\;f', [' echo \'a; b\' "c && d" e\\;f']],
    ['a 2>&1 | b &> f; c >&2 2>&-; d >| e', [' a 2>&1', '| b &> f', '; c >&2 2>&-', '; d >| e']],
    ['a \\\n  b; c', [' a \\\n  b', '; c']],
    ['echo a#b # c; d', [' echo a#b', ' # c; d']],
    ['[[ a && b ]] && c', [' [[ a && b ]]', '&& c']],
    [
      '(( a || b )); for ((i=0; i<3; i++)); do x; done',
      [' (( a || b ))', '; for ((i=0; i<3; i++))', '; do x', '; done'],
    ],
    ['case $x in a|b) c;; *) d ;; esac; e', [' case $x in a|b)', ' c', ';; *)', ' d', ';; esac', '; e']],
    ['(a; b) > f', [' (', ' a', '; b', ' ) > f']],
    ['echo \x24{x:-a;b} \x24{y#*|}', [' echo \x24{x:-a;b} \x24{y#*|}']],
    ['x=(a "b c" d); y', [' x=(a "b c" d)', '; y']],
    ['$\'a;b\' $"c|d"', [' $\'a;b\' $"c|d"']],
    ['git log --format="%h | %s" | head', [' git log --format="%h | %s"', '| head']],
    ['a&&b||c', [' a', '&& b', '|| c']],
    ['a |\n b &&\n\n c || # d\n e', [' a', '| b', '&& c', ' # d', '|| e']],
    ['true\ntrue\ntrue\nx', [' true', '\\n x']],
  ])('%j', (command, steps) => expect(read(command)).toEqual(steps));
});

describe('what runs inside is a step of its own', () => {
  it.each<[string, string[]]>([
    ['a "$(b; c `d`)"', [' a "$(b; c `d`)"', '   [$(…)] b', '  ; [$(…)] c `d`', '     [`…`] d']],
    ['diff <(a) <(b | c)', [' diff <(a) <(b | c)', '   [<(…)] a', '   [<(…)] b', '  | [<(…)] c']],
    [
      "sudo -u x env A=1 bash -lc 'a; b'",
      [" sudo -u x env A=1 bash -lc 'a; b'", '   [bash -lc] a', '  ; [bash -lc] b'],
    ],
    ["eval 'a' '; b'", [" eval 'a' '; b'", '   [eval] a', '  ; [eval] b']],
    [
      'echo YTsgYg== | base64 -d | sh',
      [
        ' echo YTsgYg==',
        '| base64 -d',
        '   [base64 gives] a; b',
        '| sh',
        '   [sh reads] a',
        '  ; [sh reads] b',
      ],
    ],
    ['cat <<A; x\n$(b)\nA\ny', [' cat <<A', '; x', '   [cat reads] $(b)', '   [$(…)] b', '\\n y']],
    ["cat <<'A'\n$(b)\nA", [" cat <<'A'", '   [cat reads] $(b)']],
    ['cat <<A | sh\na\nA', [' cat <<A', '| sh', '   [sh reads] a']],
    ["watch -n 1 'a; b'", [" watch -n 1 'a; b'", '   [watch] a', '  ; [watch] b']],
    ['sh <<-A\n\ta\n\tA\nb', [' sh <<-A', '   [sh reads] a', '\\n b']],
    ['echo $(( $(a) + 1 ))', [' echo $(( $(a) + 1 ))', '   [$(…)] a']],
    ['x > "$(a)"', [' x > "$(a)"', '   [$(…)] a']],
    [
      'echo "$(case x in x) a;; esac)"',
      [' echo "$(case x in x) a;; esac)"', '   [$(…)] case x in x)', '   [$(…)] a', '  ;; [$(…)] esac'],
    ],
  ])('%j', (command, steps) => expect(read(command)).toEqual(steps));
});

it.each([
  ["a 'b", "a ' is not closed"],
  ['a "b', 'a " is not closed'],
  ['a $(b', 'a $( is not closed'],
  ['a `b', 'a ` is not closed'],
  ['a ${b', 'a ${ is not closed'],
  ['(a', 'a ( is not closed'],
  ['a )', 'a ) that nothing opened'],
  ['a <<B\nc', 'the here-document has no line B'],
  ['a >', 'a > leads nowhere'],
])('says that it is not sure: %j', (command, why) => expect(stepsOf(command).unsure).toEqual([why]));

it('leaves out nothing: what is no operator and no blank is in a step', () => {
  let seed = 3;
  const next = () => (seed = (seed * 48_271) % 0x7fffffff);
  const alphabet = [
    'a',
    'b ',
    '$(',
    ')',
    '`',
    '"',
    "'",
    ';',
    '&&',
    '|',
    '\n',
    '\\',
    '#',
    '{',
    '}',
    '(',
    '$',
    '${',
  ].concat([
    '<',
    '>',
    ' ',
    'case x in ',
    'esac',
    '[[ ',
    ' ]]',
    '((',
    '))',
    '=',
    'eval ',
    'sh -c ',
    '>&',
    '&>',
  ]);
  const letters = (text: string) => text.replace(/[\s;&|\\]/g, '');
  for (let round = 0; round < 5_000; round += 1) {
    const command = Array.from({ length: 14 }, () => alphabet[next() % alphabet.length]).join('');
    // A here-document takes away the line that ends it.
    if (command.includes('<<')) continue;
    const { steps } = stepsOf(command);
    const shown = steps.filter(({ depth }) => depth === 0).map(({ text, times }) => text.repeat(times));
    expect(letters(shown.join(''))).toBe(letters(command));
  }
});

it('takes a time that follows the length', () => {
  for (const unit of [
    '$(',
    '${',
    '"$(',
    '[[ ;',
    '((;',
    'a;',
    '$(a)',
    '<<A\n',
    '`',
    '$(($(',
    'a=(',
    '{a',
    "'",
    'case x in ',
  ])
    stepsOf(unit.repeat(Math.floor(120_000 / unit.length)));
}, 10_000);
