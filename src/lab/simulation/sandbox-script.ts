// What runs in the sandboxed frame itself: it starts a worker with whatever text the lab hands it. In a file of its own, since the policy
// of the lab's page names it by its digest: a frame without an address inherits that policy.

export const SANDBOX_POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:";

export const SANDBOX_SCRIPT = `
addEventListener('message', ({ source, data, ports: [port] }) => {
  if (source !== parent) return;
  const address = URL.createObjectURL(new Blob([data], { type: 'text/javascript' }));
  // A classic one: Chromium runs no module from a blob of an opaque origin.
  new Worker(address).postMessage(undefined, [port]);
});
`;
