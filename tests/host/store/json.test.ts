/** Half a character is in no column of a table, whatever stands around it. */
import { describe, expect, it } from 'vitest';
import { toJson } from '../../../src/host/store/json.ts';

describe('JSON of the tables', () => {
  it.each([
    ['half a character', 'a\ud83d', 'a\ufffd'],
    ['the other half', '\udc00', '\ufffd'],
    ['both, the wrong way round', '\udc00\ud83d', '\ufffd\ufffd'],
    ['a whole one', '😀', '😀'],
    ['an escape that is text', '\\ud83d', '\\ud83d'],
    ['a backslash before half of one', '\\\ud83d', '\\\ufffd'],
    ['two backslashes and an escape that is text', '\\\\ud83d', '\\\\ud83d'],
  ])('holds %s as it is to be read', (_what, text, read) => {
    expect(JSON.parse(toJson({ [text]: [text] }))).toEqual({ [read]: [read] });
    expect(toJson(text)).not.toMatch(/(?<!\\)(?:\\\\)*\\ud/);
  });
});
