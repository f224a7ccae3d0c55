/** The short form of `npm run hostile`: the attacks that matter most, in each setting that this machine has. */
import { expect, test } from 'vitest';
import { trySetting } from './as-user.ts';
import { SETTINGS } from './attack.ts';
import { ATTACKS } from './attacks.ts';
import { impossible } from './settings.ts';
import { explain } from './table.ts';

const attacks = ATTACKS.filter(({ short }) => short);

for (const setting of SETTINGS) {
  const why = await impossible(setting);
  if (why !== null) process.stderr.write(`!! hostile agents in ${setting} CANNOT BE TESTED HERE: ${why}\n`);
  test.runIf(why === null)(
    `what a hostile agent gets in ${setting} is what is written`,
    async () => {
      const findings = await trySetting(setting, attacks);
      expect(findings).toHaveLength(attacks.length);
      expect(findings.filter(({ wrong }) => wrong !== null).map(explain)).toEqual([]);
    },
    120_000,
  );
}
