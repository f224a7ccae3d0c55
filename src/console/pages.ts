/** The few pages the server writes itself: for a browser that is not signed in, or code that is not built. */
import { createHash } from 'node:crypto';
import type { WireError } from '../host/errors.ts';

const STYLE = `
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:light-dark(#fbfbfc,#0f1012);color:light-dark(#1a1b1e,#e7e8ea)}
main{max-width:30rem;padding:2rem}
h1{font-size:1.125rem;margin:0 0 .5rem}
p{margin:.5rem 0;color:light-dark(#4a4d55,#a9acb4)}
code{font:.875rem ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;padding:.125rem .375rem;border-radius:4px;background:light-dark(#ececef,#24262b);color:light-dark(#1a1b1e,#e7e8ea)}
`;

const HASH = createHash('sha256').update(STYLE).digest('base64');

/** For these pages: nothing but their own style. */
export const PAGE_CSP = `default-src 'none'; style-src 'sha256-${HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function errorPage(title: string, error: WireError): string {
  const next = escapeHtml(error.next).replace(/`([^`]+)`/g, '<code>$1</code>');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)} · aether</title><style>${STYLE}</style><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(error.message)}</p><p>${next}</p></main></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
