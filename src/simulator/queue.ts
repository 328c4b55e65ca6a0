// A heap of events in virtual time; equal times keep the order in which they were added.
//
// Most of what a large world does is to find its next event, so the heap is four children wide (half as deep as a binary one) and
// keeps times and orders in lists of their own: comparing them touches no event.

export interface EventQueue<T> {
  push(at: number, item: T): void;
  /** Takes the next event; undefined when there is none. */
  pop(): T | undefined;
  /** When the next event is due; Infinity when there is none. */
  nextAt(): number;
  readonly size: () => number;
}

const CHILDREN = 4;

export function createQueue<T>(): EventQueue<T> {
  const times: number[] = [];
  const orders: number[] = [];
  const items: T[] = [];
  let pushed = 0;

  const timeAt = (place: number): number => times[place] ?? Infinity;
  const orderAt = (place: number): number => orders[place] ?? Infinity;

  function put(place: number, at: number, order: number, item: T): void {
    times[place] = at;
    orders[place] = order;
    items[place] = item;
  }

  function move(from: number, to: number): void {
    const item = items[from];
    if (item !== undefined) put(to, timeAt(from), orderAt(from), item);
  }

  /** The child that comes first; `end` where there is none. */
  function firstChild(place: number, end: number): number {
    let first = CHILDREN * place + 1;
    if (first >= end) return end;
    let at = timeAt(first);
    const last = Math.min(first + CHILDREN, end);
    for (let child = first + 1; child < last; child++) {
      const other = timeAt(child);
      if (other > at || (other === at && orderAt(child) > orderAt(first))) continue;
      first = child;
      at = other;
    }
    return first;
  }

  return {
    size: () => items.length,
    nextAt: () => timeAt(0),
    push(at, item) {
      const order = pushed++;
      let place = items.length;
      items.push(item);
      times.push(at);
      orders.push(order);
      while (place > 0) {
        const parent = ((place - 1) / CHILDREN) | 0;
        // What was added before goes first.
        if (timeAt(parent) <= at) break;
        move(parent, place);
        place = parent;
      }
      put(place, at, order, item);
    },
    pop() {
      const top = items[0];
      const item = items.pop();
      const at = times.pop();
      const order = orders.pop();
      const end = items.length;
      if (item === undefined || at === undefined || order === undefined || end === 0) return top;
      let place = 0;
      for (;;) {
        const child = firstChild(place, end);
        if (child === end || timeAt(child) > at || (timeAt(child) === at && orderAt(child) > order)) break;
        move(child, place);
        place = child;
      }
      put(place, at, order, item);
      return top;
    },
  };
}
