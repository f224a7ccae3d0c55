/**
 * Which scopes a caller has. What workspace and branch they are in is told by the record of their agent, never by an
 * argument.
 */
import { AetherError } from '../errors.ts';
import { isOperator } from '../principals.ts';
import type { Actor, MemoryScope } from '../shapes.ts';
import { FLEET } from './view.ts';

/** Where an agent works. */
export interface Place {
  /** Stable id of the repository or directory. */
  workspace: string;
  /** Null where no branch is checked out. */
  branch: string | null;
}

/** `shared` is another word for `fleet`. */
export type ScopeChoice = MemoryScope | 'shared' | ExactScope;

/** As it is stored: for people and for the host, who write in any scope. */
export interface ExactScope {
  exact: string;
}

export class Scopes {
  readonly #placeOf: (by: Actor) => Place | null;
  readonly #all: () => string[];

  /**
   * @param placeOf null: the caller works in no workspace of this host
   * @param all every scope that there is: people see them all
   */
  constructor(placeOf: (by: Actor) => Place | null, all: () => string[]) {
    this.#placeOf = placeOf;
    this.#all = all;
  }

  /** @throws AetherError `memory.no-workspace`; `memory.no-branch` */
  of(by: Actor, choice: ScopeChoice): string {
    if (typeof choice === 'object') {
      if (!seesAll(by)) throw new Error(`${by.principal} named a scope`);
      return choice.exact;
    }
    if (choice === 'agent') return by.principal;
    if (choice === 'fleet' || choice === 'shared') return FLEET;
    const place = this.#placeOf(by);
    if (place === null) {
      throw new AetherError({
        code: 'memory.no-workspace',
        who: 'agent',
        message: `${by.principal} works in no workspace of this host, so there is no scope "${choice}".`,
        next: 'Use the scope "agent" for yourself or "fleet" for every agent, and name the project in the text.',
      });
    }
    if (choice === 'workspace') return workspaceScope(place);
    if (place.branch !== null) return branchScope(place, place.branch);
    throw new AetherError({
      code: 'memory.no-branch',
      who: 'agent',
      message: 'No branch is checked out in this workspace, so there is no scope "branch".',
      next: 'Check out a branch, or use the scope "workspace".',
    });
  }

  /** Their own first, then from the narrower to the wider. */
  visibleTo(by: Actor): string[] {
    if (seesAll(by)) return [...new Set([by.principal, FLEET, ...this.#all()])];
    const place = this.#placeOf(by);
    if (place === null) return [by.principal, FLEET];
    const branch = place.branch === null ? [] : [branchScope(place, place.branch)];
    return [by.principal, ...branch, workspaceScope(place), FLEET];
  }
}

const seesAll = ({ principal }: Actor): boolean => principal === 'host' || isOperator(principal);

const workspaceScope = ({ workspace }: Place) => `workspace:${workspace}`;
const branchScope = ({ workspace }: Place, branch: string) => `branch:${workspace}:${branch}`;
