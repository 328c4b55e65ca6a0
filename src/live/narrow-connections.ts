// What a rank's page may talk to, once its settings are read: its own site, and the PeerServer that they name. Policies only ever add up, so
// nothing that runs later can widen it.

export function narrowConnections(signal: URL): void {
  const policy = document.createElement('meta');
  policy.httpEquiv = 'content-security-policy';
  policy.content = `connect-src 'self' ${signal.origin} ${signal.origin.replace(/^http/, 'ws')}`;
  document.head.append(policy);
}
