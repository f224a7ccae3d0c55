/** Names of the kinds of sandbox, as the configuration and `ps` have them; sandboxes.ts has what each is. */
export const SANDBOX_KINDS = ['bubblewrap', 'none'] as const;
export type SandboxKind = (typeof SANDBOX_KINDS)[number];
