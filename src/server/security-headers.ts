import type { ServerResponse } from 'node:http';

/** Said with every answer: it is data, for whoever asked, and nothing that a browser should show, guess at or keep. */
const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
  vary: 'Origin',
};
const DATA = "default-src 'none'; frame-ancestors 'none'";
/** GraphiQL is one page with all its code in it. It may talk to this server only. */
const PAGE = [
  "default-src 'self' 'unsafe-inline'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** @param isPage whether GraphiQL is asked for */
export function secure(response: ServerResponse, isPage: boolean): void {
  for (const [name, value] of Object.entries(ALWAYS)) response.setHeader(name, value);
  response.setHeader('content-security-policy', isPage ? PAGE : DATA);
}
