// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what is looked for.
/**
 * Entries of MCP servers that were written for another client: `${workspaceFolder}`, `${env:NAME}` and `${input:id}`
 * are expanded by VS Code and Cursor. Claude Code knows `${NAME}` only, and would start the server with the rest
 * unexpanded.
 */
import { AetherError } from '../../host/errors.ts';
import { shortText } from '../../host/text.ts';

const OF_EDITORS =
  /\$\{(?:(env|input|config|command):([^}]*)|(workspaceFolder|workspaceRoot|userHome|cwd|pathSeparator|file\w*|execPath)[^}]*)\}/;

/** @throws AetherError `claude.mcp-variable` */
export function refuseForeignVariables(
  agent: string,
  servers: Record<string, unknown>,
  workspace: string,
): void {
  for (const [name, server] of Object.entries(servers)) {
    const found = OF_EDITORS.exec(JSON.stringify(server) ?? '');
    if (found === null) continue;
    const [variable, kind, what] = found;
    const instead =
      kind === 'env'
        ? `Write \${${what}}, which Claude Code takes from its environment, and give ${agent} that variable below \`env:\`.`
        : kind === undefined
          ? `Write the path out: the workspace is ${workspace}.`
          : `An agent has no prompt for it: write \${NAME}, and give ${agent} that variable below \`env:\`.`;
    throw new AetherError({
      code: 'claude.mcp-variable',
      who: 'user',
      message: `The MCP server ${JSON.stringify(shortText(name, 60))} of ${agent} holds ${shortText(variable, 60)}, which editors expand and Claude Code does not.`,
      next: instead,
    });
  }
}
