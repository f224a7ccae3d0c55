/**
 * Whether a tool call may run, for engines whose rules are ours to apply: the agent's rules first, then its mode. `deny`
 * beats `allow`. A rule is a tool name or `name(pattern)`, where `*` stands for anything; the pattern is matched against the
 * command line of a shell and the path of a file tool.
 */
import type { PermissionSpec } from './runtime.ts';

export type Decision = 'allow' | 'deny' | 'ask';

export interface Asked {
  tool: string;
  /** What a pattern is checked against; null where a tool has nothing of the kind. */
  subject: string | null;
  /** The subject is a command line. */
  shell: boolean;
  /** Only looks at the workspace. */
  readOnly: boolean;
  /** `aether_*`: what an agent may call of these is decided by its grants, in the host. */
  granted: boolean;
}

/** With any of these a command line is more than the one command that a pattern names. */
const SHELL_SYNTAX = /[;&|<>`\n\r]|\$\(|\$\{/;

export function decide(spec: PermissionSpec, asked: Asked): Decision {
  if (spec.deny.some((rule) => forbids(rule, asked))) return 'deny';
  if (asked.granted || spec.allow.some((rule) => permits(rule, asked))) return 'allow';
  // Looking around the workspace it was given is what every agent has to do; a question each time would only be a delay.
  if (spec.mode === 'ask' && asked.readOnly) return 'allow';
  return spec.mode;
}

/** `shell(git *)` must not let `git log; rm -rf .` through, so shell syntax never fits an open pattern. */
function permits(rule: string, asked: Asked): boolean {
  const { name, pattern } = parse(rule);
  if (!fits(name, asked.tool)) return false;
  if (pattern === null || pattern === '*') return true;
  if (asked.subject === null) return false;
  if (asked.subject === pattern) return true;
  if (asked.shell && SHELL_SYNTAX.test(asked.subject)) return false;
  return fits(pattern, asked.subject);
}

/** A denied command is denied anywhere in a line. The shell has other ways to say it: this stops accidents. */
function forbids(rule: string, asked: Asked): boolean {
  const { name, pattern } = parse(rule);
  if (!fits(name, asked.tool)) return false;
  if (pattern === null || pattern === '*') return true;
  if (asked.subject === null) return false;
  const parts = asked.shell ? asked.subject.split(/[;&|\n\r`()]+/) : [];
  return [asked.subject, ...parts].some((part) => fits(pattern, part.trim()));
}

function parse(rule: string): { name: string; pattern: string | null } {
  const match = /^([^()]+)\(([\s\S]*)\)$/.exec(rule.trim());
  return match ? { name: match[1] ?? '', pattern: match[2] ?? '' } : { name: rule.trim(), pattern: null };
}

/** `git *` also fits a bare `git`, as people expect of it. */
function fits(pattern: string, text: string): boolean {
  if (pattern.endsWith(' *') && pattern.slice(0, -2) === text) return true;
  const escaped = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('[\\s\\S]*')}$`).test(text);
}
