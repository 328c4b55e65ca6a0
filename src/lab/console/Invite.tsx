// The way in, large enough for the back row: the address, its QR code, and the class code.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { encode } from 'uqr';
import { Panel } from '../view/Panel.tsx';
import type { Console } from './console.ts';
import { consoleWords } from './console-words.ts';

export function Invite({ console }: { readonly console: Console }): JSX.Element {
  const chosen = useSignal<string | undefined>(undefined);
  const addresses = console.addresses.value;
  const address = chosen.value ?? addresses[0];
  return (
    <Panel name="invite" title={consoleWords.invite.title}>
      <div class="invite-body">
        {address !== undefined && <Qr text={address} />}
        <div class="invite-words">
          <p>{consoleWords.invite.open}</p>
          <p class="invite-address">{address?.replace(/\/$/, '') ?? '…'}</p>
          <p>{consoleWords.invite.code}</p>
          <p class="invite-code">{console.code.value ?? '······'}</p>
          {addresses.length > 1 && (
            <label class="field">
              <span>{consoleWords.invite.which}</span>
              <select
                class="select small"
                value={address}
                onChange={(event) => {
                  chosen.value = event.currentTarget.value;
                }}
              >
                {addresses.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      </div>
    </Panel>
  );
}

/** Dark on light in both themes: not every camera reads the other. */
function Qr({ text }: { readonly text: string }): JSX.Element {
  const { data, size } = encode(text, { border: 2 });
  const cells = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={consoleWords.invite.qr(text)}>
      <rect width={size} height={size} fill="#fff" />
      <path d={cells.join('')} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}
