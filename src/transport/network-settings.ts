// Where a room's pages meet and how they reach each other across networks: any PeerServer, and STUN and TURN servers. Settings come as
// text from an address, are untrusted, and are read here once. Pure.
//
//   signal:  http(s)://host[:port]/path                              of a PeerServer
//   ice:     stun:host[:port] · turn:user:password@host[:port][?transport=udp|tcp] · with an s for TLS; several with commas between
//
// User and password are percent-encoded, since those of coturn's shared secret hold colons and slashes.

import * as v from 'valibot';
import type { SignalServer } from './signalling.ts';
import { TransportError } from './transport-error.ts';

export const SIGNAL_SPELLING = 'the address of a PeerServer, as http(s)://host[:port]/path';
export const ICE_SPELLING =
  'up to 8 servers with commas between, as stun:host[:port] or turn:user:password@host[:port][?transport=udp|tcp]';

const MAX_ICE_SERVERS = 8;
const MAX_CHARACTERS = 2048;

export interface IceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/** `undefined` for text that is no such address. */
export function parseSignalServer(text: string): SignalServer | undefined {
  if (text.length > MAX_CHARACTERS || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  if (search !== '' || hash !== '' || username !== '' || password !== '') return undefined;
  const secure = protocol === 'https:';
  return { host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port), path: pathname, secure };
}

/** @throws {TransportError} for text that is no such address */
export function readSignalServer(text: string): SignalServer {
  const server = parseSignalServer(text);
  if (server !== undefined) return server;
  throw new TransportError('bad-settings', `Expected ${SIGNAL_SPELLING}, found "${text.slice(0, 80)}".`);
}

/** @throws {TransportError} where one of them is no such address. What was found may hold a password, and is not repeated. */
export function readIceServers(text: string): readonly IceServer[] {
  const servers = parseIceServers(text);
  if (servers !== undefined) return servers;
  throw new TransportError('bad-settings', `Expected ${ICE_SPELLING}.`);
}

const HOST = String.raw`(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])`;
const STUN = new RegExp(String.raw`^stuns?:${HOST}(?::\d{1,5})?$`);
const TURN = new RegExp(
  String.raw`^(turns?):([^:@]+):([^:@]+)@(${HOST}(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?)$`,
);

/** `undefined` where one of them is no such address. */
export function parseIceServers(text: string): readonly IceServer[] | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const servers: IceServer[] = [];
  for (const one of text.split(',')) {
    const server = parseIceServer(one.trim());
    if (server === undefined || servers.length === MAX_ICE_SERVERS) return undefined;
    servers.push(server);
  }
  return servers;
}

function parseIceServer(text: string): IceServer | undefined {
  if (STUN.test(text)) return { urls: text };
  const [, scheme, user, password, where] = TURN.exec(text) ?? [];
  if (scheme === undefined || user === undefined || password === undefined || where === undefined)
    return undefined;
  try {
    return {
      urls: `${scheme}:${where}`,
      username: decodeURIComponent(user),
      credential: decodeURIComponent(password),
    };
  } catch {
    return undefined;
  }
}

export const SignalSchema = v.pipe(
  v.string(),
  v.check((text) => parseSignalServer(text) !== undefined, `Expected ${SIGNAL_SPELLING}`),
);
export const IceSchema = v.pipe(
  v.string(),
  v.check((text) => parseIceServers(text) !== undefined, `Expected ${ICE_SPELLING}`),
);
