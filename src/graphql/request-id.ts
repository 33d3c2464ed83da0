/** What `requestId` means, the same at every mutation that takes one. */
export const REQUEST_ID =
  'Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice.';
