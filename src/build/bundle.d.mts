/** @param source src/ of the checkout @param out where the programs are written, as in dist/ */
export function bundle(source: string, out: string): Promise<void>;
