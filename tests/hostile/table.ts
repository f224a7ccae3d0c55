/** What was seen, for people: a row for each attack, a column for each setting. */
import { type Attack, SETTINGS } from './attack.ts';
import type { Finding } from './runner.ts';

const WIDTH = 34;

export function table(attacks: readonly Attack[], findings: readonly Finding[]): string {
  const columns = SETTINGS.filter((setting) => findings.some((one) => one.setting === setting));
  const width = Math.max(...attacks.map(({ name }) => name.length)) + 2;
  const rows = attacks.map((attack) => {
    const cells = columns.map((setting) => {
      const finding = findings.find((one) => one.attack === attack.name && one.setting === setting);
      return finding === undefined ? '-' : cell(finding);
    });
    return `${attack.name.padEnd(width)}${cells.map((text) => text.padEnd(WIDTH)).join('')}${attack.wants}`;
  });
  const head = `${'attack'.padEnd(width)}${columns.map((text) => text.padEnd(WIDTH)).join('')}what it wants`;
  const wrong = findings.filter((finding) => finding.wrong !== null).length;
  const tried = findings.filter(({ seen }) => seen !== 'untried').length;
  const end = `${tried} attempts; ${wrong === 0 ? 'each ended as it is written' : `WRONG: ${wrong}`}`;
  return [head, ...rows, end].join('\n');
}

function cell({ seen, expected, trace, wrong }: Finding): string {
  if (seen === 'untried') return 'untried';
  const how = trace === '' ? '' : ` (${trace})`;
  return wrong === null ? `${seen}${how}` : `!! ${seen}, not ${expected}`;
}

export function explain({ attack, setting, expected, wrong, printed }: Finding): string {
  const said = printed.length > 1_200 ? `${printed.slice(0, 1_200)} ...` : printed;
  return `\n!! ${attack} in ${setting}: expected that it ${expected}, but ${wrong}\n   it printed: ${said}`;
}
