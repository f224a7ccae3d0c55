/** Generated files are what their definitions give: nobody edits them by hand, nobody forgets to make them again. */
import { describe, expect, it } from 'vitest';
import { generatedFiles, staleFiles } from '../../src/build/generate.ts';

describe('generated files', () => {
  it('are up to date; otherwise run `npm run generate`', async () => {
    expect(await staleFiles()).toEqual([]);
  });

  it('would be found stale in a checkout that lacks them', async () => {
    expect(await staleFiles('/nonexistent')).toEqual(generatedFiles.map((file) => file.path));
  });
});
