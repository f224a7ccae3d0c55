/** The short way for ordinary text says the same as the long one: a letter of another alphabet beside it forces that. */
import { expect, it } from 'vitest';
import { OWN_SIGNS } from '../../../src/host/shown/characters.ts';
import { show } from '../../../src/host/shown/pieces.ts';

const TEXTS = [
  'git commit -m ‘fix’; the operator’s “host” … 120×40 · done',
  'curl https://github.com.evil.example/x · https://paypa1.com',
  'see [github.com](https://evil.example) and api.openai.com…',
  'user@github.com’s mail.example.org×2',
  'two lines\nhttps://goggle.com/a\n',
];

it.each(TEXTS)('%s', (text) => {
  const long = (as: 'code' | 'prose') => show(`${text} 日`, as);
  for (const as of ['code', 'prose'] as const) {
    const { warnings, pieces } = show(text, as);
    expect(warnings).toEqual(long(as).warnings);
    expect(pieces.filter(({ kind }) => kind !== 'text')).toEqual(
      long(as).pieces.filter(({ kind }) => kind !== 'text'),
    );
    expect(pieces.map(({ raw }) => raw).join('')).toBe(text);
  }
});

it('takes no sign for ordinary that stands for another', () => {
  for (const sign of OWN_SIGNS) expect(show(`rm ${sign}x${sign} a${sign}b`, 'code').warnings).toEqual([]);
});
