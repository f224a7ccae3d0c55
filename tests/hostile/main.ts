/**
 * `npm run hostile`: a hostile agent tries what it can against a sibling, the host, the operator and the machine, in
 * each setting, and each outcome is compared with the one that is written beside the attack.
 *
 *   node tests/hostile/main.ts [--only WORD] [--setting none|bubblewrap|bubblewrap-user] [--json]
 */

import { optionsOf } from '../support/program-options.ts';
import { trySetting } from './as-user.ts';
import { type Attack, SETTINGS, type Setting } from './attack.ts';
import { ATTACKS } from './attacks.ts';
import type { Finding } from './runner.ts';
import { impossible } from './settings.ts';
import { explain, table } from './table.ts';

const USAGE = 'node tests/hostile/main.ts [--only WORD] [--setting none|bubblewrap|bubblewrap-user] [--json]';

const values = optionsOf(USAGE, {
  only: { type: 'string' },
  /* For this suite itself: attacks by their full names. */
  names: { type: 'string' },
  setting: { type: 'string' },
  json: { type: 'boolean', default: false },
});
const named = values.names?.split(',');
const attacks: readonly Attack[] = ATTACKS.filter(({ name }) =>
  named === undefined ? name.includes(values.only ?? '') : named.includes(name),
);
const settings: readonly Setting[] = SETTINGS.filter((one) => one === (values.setting ?? one));
if (attacks.length === 0 || settings.length === 0) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const findings: Finding[] = [];
const left: string[] = [];
for (const setting of settings) {
  const why = await impossible(setting);
  if (why !== null) {
    left.push(`!! ${setting} CANNOT BE TRIED HERE: ${why}`);
    process.stderr.write(`${left.at(-1)}\n`);
    continue;
  }
  const say = (finding: Finding) =>
    process.stderr.write(
      `${setting}  ${finding.attack}: ${finding.seen}${finding.wrong === null ? '' : '  <- WRONG'}\n`,
    );
  findings.push(...(await trySetting(setting, attacks, say)));
}
const wrong = findings.filter((finding) => finding.wrong !== null);
if (values.json) process.stdout.write(`${JSON.stringify({ findings, left }, null, 1)}\n`);
else process.stdout.write(`${[table(attacks, findings), ...wrong.map(explain), ...left].join('\n')}\n`);
process.exitCode = wrong.length === 0 && findings.length > 0 ? 0 : 1;
