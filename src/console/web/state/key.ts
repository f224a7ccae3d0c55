/**
 * The second half of the session (the first is the cookie): arrives in the fragment after sign-in and is kept
 * in storage that only this origin, port included, can read.
 */
const STORED = 'aether.key';

export function takeKeyFromAddress(): void {
  const key = /^#key=([\w-]+)$/.exec(location.hash)?.[1];
  if (key === undefined) return;
  localStorage.setItem(STORED, key);
  history.replaceState(null, '', '/');
}

export function pageKey(): string {
  return localStorage.getItem(STORED) ?? '';
}

export function forgetKey(): void {
  localStorage.removeItem(STORED);
}
