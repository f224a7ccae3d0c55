/**
 * What a runtime says of itself before any of its code runs: its name, the keys of aether.yaml that only it takes, how
 * it logs in, and what `aether init` writes for it. Configuration, schema, plan and command line fold over the list of
 * definitions (installed.ts); a definition imports only the ground floor and zod, and loads its engine's code on
 * demand.
 */
import type { ZodType } from 'zod';
import type { Detection, Runtime } from './runtime.ts';

export interface RuntimeDefinition {
  /** As `runtime:` names it; also the name of its folder. */
  readonly name: string;
  /** In brackets after its name, in the description of `runtime:`; null: the name says it. */
  readonly about: string | null;
  readonly config: RuntimeConfig;
  /** Null: `aether init` does not offer it. */
  readonly init: InitOffer | null;
  /** The contract itself. `version` is that of the package. */
  load(host: { version: string }): Promise<Runtime>;
}

export type Environment = Record<string, string | undefined>;

/** What is wrong with one agent, before it has a place in the file. */
export interface Fault {
  /** Without its 'config.' prefix. */
  code: string;
  /** Below the agent: ['env', 'TOKEN']; [] is the agent. */
  path: readonly string[];
  message: string;
  next: string;
}

export interface RuntimeConfig {
  /** Keys that are for this runtime alone. */
  keys: Readonly<Record<string, OwnKey>>;
  /** How it reads `model:`, for the key's description; null: the text is the engine's own name for a model. */
  modelForms: { description: string; example: string } | null;
  /** False: it takes nothing of the user's own engine setup, and an agent of it that has `inherit:` is refused. */
  inherits?: false;
  /** Models with this prefix mean nothing to any other runtime. */
  modelPrefix?: { prefix: string; what: string };
  /** What its keys must satisfy together. */
  check(written: Written): WrittenFault[];
  /** The keys that it alone takes, as they are stored with the agent. JSON. */
  options(written: Written): Record<string, unknown>;
  /** At launch: what can be known of them only now. `path` is PATH of the agent. */
  resolve(options: Record<string, unknown>, path: string): Record<string, unknown> | Fault;
  /** Texts that its process is started with, beside its environment: the system limits their length. */
  execTexts(options: Record<string, unknown>, goal: string | null): { path: string[]; bytes: number }[];
  login: LoginRules;
}

export interface OwnKey {
  schema: ZodType;
  /** Why a live edit of it waits for an operator, said after its name. */
  waits: string;
  /** What to write instead of a value of another type; null: nothing better than the example. */
  mend?(actual: unknown): string | null;
}

/** The keys of one agent as they stand in the file. */
export interface Written {
  /** The agent, for messages: 'agents.writer'. */
  where: string;
  /** Its own value, or that of the defaults. */
  get(key: string): unknown;
  /** Absolute form of a path in the file. */
  path(written: string): string;
  /** Why it cannot be a path in the file; null when it can. */
  pathFault(written: string): { why: string; next: string } | null;
  /** A value for a message: short, and never a secret. */
  quote(value: string): string;
}

export interface WrittenFault {
  code: string;
  /** The key whose value is wrong; null: one is missing. */
  key: string | null;
  message: string;
  next: string;
}

/** `auth:` as it is written; exactly one is set. */
export interface AuthForm {
  env?: string | undefined;
  file?: string | undefined;
  oauth_env?: string | undefined;
  oauth_file?: string | undefined;
  provider?: string | undefined;
}

export interface LoginRules {
  /** Cloud providers that `auth: { provider }` may name: each adds its variables, or says what is missing. */
  providers: Readonly<
    Record<string, (environment: Environment, variables: Record<string, string>) => Fault | null>
  >;
  /** Why this form of `auth:` is of no use; null when it fits. */
  misfit(auth: AuthForm, model: string | null, where: string): { message: string; next: string } | null;
  /** The variable in which the engine takes a log-in; null: it takes none. `name`: the variable it came from. */
  variable(
    login: { oauth: boolean; name: string | null; value: string },
    model: string | null,
  ): string | null;
  /** Variables that it takes without `auth:`, and where each is found, in order; null: it needs no log-in. */
  usual(model: string | null): { variable: string; names: readonly string[] }[] | null;
  /** None of those is set; null: it can do without here. */
  missing(
    model: string | null,
    env: Record<string, string>,
    environment: Environment,
  ): { message: string; next: string } | null;
  /** The variable with which its address is overridden; null when it has none. */
  address(model: string | null, provider: string | null): string | null;
  /** How a token for `oauth_env` is made, in brackets after a missing one. */
  tokenHint?: string;
}

export interface InitOffer {
  /** Lines below `defaults:` for this machine; null: no agent of it could log in here. */
  ready(detection: Detection, environment: Environment): string[] | null;
  /** The same where no runtime is ready: only the first definition that has this is used. */
  otherwise?: { lines: string[]; missing: Detection['missing'] };
}
