/** What search makes of texts: names and paths, word forms, scripts with and without spaces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherStems } from '../../../../src/host/memory/search/forms.ts';
import { parseQuery } from '../../../../src/host/memory/search/query.ts';
import { termsOf } from '../../../../src/host/memory/search/tokens.ts';
import { corrected } from '../../../../src/host/memory/search/typos.ts';

/** Whether all terms of a query are among those of a text. */
const holds = (text: string, query: string): boolean => {
  const terms = new Set(termsOf(text));
  return parseQuery(query).words.every(({ term, others }) => [term, ...others].some((one) => terms.has(one)));
};

describe('terms', () => {
  it.each([
    ['unlockWithBiometrics is called', 'biometrics'],
    ['unlockWithBiometrics is called', 'unlockwithbiometrics'],
    ['uses sqlite3', 'sqlite'],
    ['Deployments run at night', 'deploy'],
    ['see src/host/main.ts', 'src/host/main.ts'],
    ['see src/host/main.ts', 'main.ts'],
    ['memory_text_bytes_max is 64', 'memoryTextBytesMax'],
    ['the HTTPServer listens', 'http server'],
    ['send an e-mail', 'email'],
    ['version 2.1.0 is out', '2.1.0'],
    ['reach it at 10.0.0.1', '10.0.0.1'],
    ["it is Ada's cat", 'ada'],
    ['the mice were bought', 'mouse buy'],
    ['he writes', 'written'],
    ['Das Café an der Straße', 'cafe strasse'],
    ['Cafe\u0301', 'café'],
    ['ﬁle ＡＢＣ', 'file abc'],
    ['我的猫很可爱', '猫'],
    ['我的猫很可爱', '可爱'],
    ['データベースの移行を行う', '移行'],
    ['서버는 밤에 재시작된다', '서버'],
    ['ฐานข้อมูลสำรองทุกคืน', 'สำรอง'],
    ['ຖານຂໍ້ມູນ', 'ຂໍ້ມູນ'],
    ['使用Redis缓存', 'redis 缓存'],
    ['שָׁלוֹם עולם', 'שלום'],
    ['مَرْحَبًا بك', 'مرحبا'],
    ['the launch 🚀 is near', '🚀'],
    ['👍🏽 from all', '👍'],
  ])('of %j hold those of %j', (text, query) => {
    expect(holds(text, query)).toBe(true);
  });

  it('of a name with a hyphen and without have one in common', () => {
    expect(termsOf('send an email')).toContain(termsOf('e-mail')[0]);
  });

  it('keep versions and addresses apart that differ in their dots alone', () => {
    expect(holds('version 21.0', '2.10')).toBe(false);
    expect(holds('🎉', '🚀')).toBe(false);
  });

  it('come of any text, each a whole one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const term of termsOf(text)) {
          expect(term.isWellFormed()).toBe(true);
          expect(term.length).toBeLessThanOrEqual(64);
        }
        expect(() => parseQuery(text)).not.toThrow();
      }),
    );
    expect(termsOf('a\ud800b \udfff \0')).toEqual(['a', 'b']);
  });

  it('are the same of a text and of its composed form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(termsOf(text.normalize('NFD'))).toEqual(termsOf(text.normalize('NFC')));
      }),
    );
  });
});

describe('words', () => {
  it('with irregular forms know each other', () => {
    expect(otherStems('bought')).toContain('buy');
    expect(otherStems('buying')).toContain('bought');
    expect(otherStems('children')).toContain('child');
    expect(otherStems('table')).toEqual([]);
  });

  it('with one slip are taken for the most common one near', () => {
    const held = new Map(Object.entries({ deploy: 5, postgr: 3, depot: 1 }));
    const heldOf = (terms: ReadonlySet<string>) => new Map([...held].filter(([term]) => terms.has(term)));
    expect(corrected('deploymnet', heldOf)).toMatchObject({ term: 'deploy', surface: 'deployment' });
    expect(corrected('postgers', heldOf)?.term).toBe('postgr');
    expect(corrected('dpeloy', heldOf)?.term).toBe('deploy');
    expect(corrected('zebra', heldOf)).toBeNull();
    expect(corrected('dep', heldOf)).toBeNull();
  });

  it('in quotation marks are a phrase, and a lone mark is nothing', () => {
    expect(parseQuery('find "the red door" or “blue”').phrases.map(({ surfaces }) => surfaces)).toEqual([
      ['the', 'red', 'door'],
      ['blue'],
    ]);
    expect(parseQuery('12" pipe').phrases).toEqual([]);
    expect(parseQuery('"" "…"').phrases).toEqual([]);
  });
});
