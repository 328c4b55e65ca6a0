// Whether the page is one column wide: what is shown then in another place, and not only in another size.

import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** As style/board.css has it. */
const query = matchMedia('(max-width: 860px)');
const matches = signal(query.matches);
query.addEventListener('change', () => {
  matches.value = query.matches;
});

export const isNarrow: ReadonlySignal<boolean> = matches;
