/**
 * Whether the permissions of an agent run a tool call without asking, read more strictly than any engine reads them:
 * where it is not certain that a rule covers this call, an allowing rule does not count and a denying one does.
 */
import type { CallFacts, PermissionSpec } from '../../../runtimes/runtime.ts';

export function permits(
  spec: PermissionSpec,
  tool: string,
  { subject, shell }: Pick<CallFacts, 'subject' | 'shell'>,
): boolean {
  const denied = rulesFor(spec.deny, tool);
  if (denied.some((pattern) => pattern === null || subject === null || couldMean(pattern, subject)))
    return false;
  if (spec.mode === 'allow') return true;
  return rulesFor(spec.allow, tool).some((pattern) => {
    if (pattern === null || pattern === '*') return true;
    if (subject === null || pattern === subject) return subject !== null;
    // What * means in a path differs from engine to engine.
    return shell && isOneCommand(subject) && fits(pattern, subject);
  });
}

/** With any of these a command line is more than the one command that a pattern names. */
const isOneCommand = (command: string): boolean => !/[;&|<>`\n\r]|\$\(|\$\{/.test(command);

/** A denied command is denied anywhere in a line. */
function couldMean(pattern: string, command: string): boolean {
  return [command, ...command.split(/[;&|\n\r`()]+/)].some((part) => fits(pattern, part.trim()));
}

/** Engines have their own names for the same thing; a rule of one sender's engine is read for another's. */
const SAME: Record<string, string> = {
  ...{ run_command: 'Bash', exec: 'Bash', bash: 'Bash' },
  ...{ write_file: 'Write', write: 'Write', edit: 'Edit', apply_patch: 'Edit' },
  ...{ read_file: 'Read', read: 'Read', web_fetch: 'WebFetch', web_search: 'WebSearch' },
};
const canonical = (tool: string): string => (Object.hasOwn(SAME, tool) ? SAME[tool]! : tool);

/** The patterns of the rules that name this tool; null for one that names it whole. */
function rulesFor(rules: string[], tool: string): (string | null)[] {
  return rules.flatMap((rule) => {
    const match = /^([^()]+)\(([\s\S]*)\)$/.exec(rule.trim());
    return canonical(match?.[1] ?? rule.trim()) === canonical(tool) ? [match?.[2] ?? null] : [];
  });
}

/** `git *` also fits a bare `git`; `git:*` is another way to write it. */
function fits(pattern: string, text: string): boolean {
  const spaced = pattern.endsWith(':*') ? `${pattern.slice(0, -2)} *` : pattern;
  if (spaced.endsWith(' *') && spaced.slice(0, -2) === text) return true;
  const escaped = spaced.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('[\\s\\S]*')}$`).test(text);
}
