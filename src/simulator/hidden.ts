// What a browser does to a page in the background: its timers and events come once a second. Its workers go on.

/** Milliseconds between the turns of a hidden page. */
const HIDDEN_TURN = 1000;

/** When a hidden page has its next turn. */
export const nextTurn = (now: number): number => (Math.floor(now / HIDDEN_TURN) + 1) * HIDDEN_TURN;
