/** `aether init`: a first configuration, made from the templates. */
import type { Command } from 'commander';
import { frontDoor } from '../front-door.ts';
import { completed } from '../hints.ts';
import { invocation } from '../invocation.ts';
import { print, warn } from '../output.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['init'], place: 10, register: registerInit }];

/** What a fleet is begun with. */
const TEMPLATES = ['researcher', 'coder', 'reviewer'];

function registerInit(program: Command): void {
  declareVerb(program, {
    usage: 'init [template...]',
    summary: `write an aether.yaml (templates: ${TEMPLATES.join(', ')}; all when none is named)`,
    examples: ['aether init', 'aether init reviewer', 'aether init -f fleet.yaml --force'],
  })
    .option('--force', 'replace a file that is there')
    .action(async (templates: string[], options: { force?: boolean }, command: Command) => {
      const { configFile } = invocation(globalsOf(command));
      const { detectRuntimes, initConfig } = await frontDoor();
      const made = initConfig({
        file: configFile,
        templates: templates.length > 0 ? templates : TEMPLATES,
        force: options.force ?? false,
        detections: await detectRuntimes(),
        environment: process.env,
      });
      print(oneLine(`Wrote ${made.file} with ${made.agents.join(', ')} on ${made.runtime}.`));
      if (!made.ready) {
        warn(`${made.runtime} cannot run yet:`);
        for (const { what, mend } of made.missing) warn(`${what} — ${mend}`);
      }
      print(completed('Next: `aether plan` shows what each would be given, `aether up` starts them.'));
    });
}
