/** Where a room meets and how it crosses networks: read from text, or refused with what was expected. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseIceServers,
  parseSignalServer,
  readIceServers,
  readSignalServer,
} from '../../../src/transport/network-settings.ts';
import { TransportError } from '../../../src/transport/transport-error.ts';

describe('the address of a PeerServer', () => {
  it('is a URL whose port may be left out', () => {
    expect(parseSignalServer('https://0.peerjs.com/')).toEqual({
      host: '0.peerjs.com',
      port: 443,
      path: '/',
      secure: true,
    });
    expect(readSignalServer('http://localhost:5173/signal')).toEqual({
      host: 'localhost',
      port: 5173,
      path: '/signal',
      secure: false,
    });
  });

  it.each(['', 'peers.example.org', 'ws://a/', 'https://u:p@a/', 'https://a/?key=1', 'https://a/#x'])(
    'is refused as %j',
    (text) => {
      expect(parseSignalServer(text)).toBeUndefined();
      expect(() => readSignalServer(text)).toThrow(TransportError);
    },
  );
});

describe('ICE servers', () => {
  it('are STUN and TURN, with user and password where they relay', () => {
    expect(
      parseIceServers(
        'stun:stun.example.org:3478, turns:1900000000%3Aann:a%2Fb%3D@[2001:db8::7]:5349?transport=tcp',
      ),
    ).toEqual([
      { urls: 'stun:stun.example.org:3478' },
      { urls: 'turns:[2001:db8::7]:5349?transport=tcp', username: '1900000000:ann', credential: 'a/b=' },
    ]);
  });

  it.each([
    '',
    'turn:example.org',
    'stun:u:p@example.org',
    'stun:',
    'turn:u:p@example.org?transport=sctp',
    'turn:u:%E0%A4%A@example.org',
    'https://example.org',
    Array.from({ length: 9 }, () => 'stun:example.org').join(','),
  ])('are refused as %j, without repeating what may be a password', (text) => {
    expect(parseIceServers(text)).toBeUndefined();
    expect(() => readIceServers(text)).toThrow(/^Expected up to 8 servers/);
  });

  it('are read or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        for (const server of parseIceServers(text) ?? []) expect(server.urls).toMatch(/^(stun|turn)s?:/);
        parseSignalServer(text);
      }),
    );
  });
});
