/** Who acts, by kind: `agent:NAME`, `client:NAME`, the operator (`operator`, or `operator:NAME` where known), the host. */
import type { Principal } from './shapes.ts';

/** Of a client whose door knows no name, and of every row written before doors knew names. */
export const OPERATOR = 'operator' satisfies Principal;

type KindOf<P extends string> = P extends `${infer Kind}:${string}` ? Kind : P;

/** What stands before the name. */
export type PrincipalKind = KindOf<Principal>;

export function kindOf(principal: Principal): PrincipalKind {
  return principal.split(':', 1)[0] as PrincipalKind;
}

/** True for any text that names an operator, stored ones included. */
export function isOperator(principal: string): boolean {
  return principal === OPERATOR || principal.startsWith(`${OPERATOR}:`);
}
