// A heap of events in virtual time; equal times keep the order in which they were added.
//
// Most of what a large world does is to find its next event, so the heap is four children wide (half as deep as a binary one), and
// only numbers move in it: the time, the order, and the place at which the event itself lies still.

export interface EventQueue<T> {
  push(at: number, item: T): void;
  /** Takes the next event; undefined when there is none. */
  pop(): T | undefined;
  /** When the next event is due; Infinity when there is none. */
  nextAt(): number;
  readonly size: () => number;
}

const CHILDREN = 4;
const INITIAL_CAPACITY = 1024;

/** The same numbers in twice the room. */
function doubled<A extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(numbers: A, larger: A): A {
  larger.set(numbers);
  return larger;
}

export function createQueue<T>(): EventQueue<T> {
  let capacity = INITIAL_CAPACITY;
  let times = new Float64Array(capacity);
  let orders = new Float64Array(capacity);
  let slots = new Int32Array(capacity);
  /** By slot; those that are free are listed. */
  const items: (T | undefined)[] = [];
  const free: number[] = [];
  let pushed = 0;
  let size = 0;

  const timeAt = (place: number): number => times[place] ?? Infinity;
  const orderAt = (place: number): number => orders[place] ?? Infinity;

  function put(place: number, at: number, order: number, slot: number): void {
    times[place] = at;
    orders[place] = order;
    slots[place] = slot;
  }

  function move(from: number, to: number): void {
    put(to, timeAt(from), orderAt(from), slots[from] ?? 0);
  }

  function grow(): void {
    capacity *= 2;
    times = doubled(times, new Float64Array(capacity));
    orders = doubled(orders, new Float64Array(capacity));
    slots = doubled(slots, new Int32Array(capacity));
  }

  /** The child that comes first; `size` where there is none. */
  function firstChild(place: number): number {
    let first = CHILDREN * place + 1;
    if (first >= size) return size;
    let at = timeAt(first);
    const last = Math.min(first + CHILDREN, size);
    for (let child = first + 1; child < last; child++) {
      const other = timeAt(child);
      if (other > at || (other === at && orderAt(child) > orderAt(first))) continue;
      first = child;
      at = other;
    }
    return first;
  }

  /** The last event takes the first place, and sinks to where it belongs. */
  function sink(): void {
    const at = timeAt(size);
    const order = orderAt(size);
    const slot = slots[size] ?? 0;
    let place = 0;
    for (;;) {
      const child = firstChild(place);
      if (child === size || timeAt(child) > at || (timeAt(child) === at && orderAt(child) > order)) break;
      move(child, place);
      place = child;
    }
    put(place, at, order, slot);
  }

  return {
    size: () => size,
    nextAt: () => (size === 0 ? Infinity : timeAt(0)),
    push(at, item) {
      if (size === capacity) grow();
      const slot = free.pop() ?? items.length;
      items[slot] = item;
      let place = size++;
      while (place > 0) {
        const parent = ((place - 1) / CHILDREN) | 0;
        // What was added before goes first.
        if (timeAt(parent) <= at) break;
        move(parent, place);
        place = parent;
      }
      put(place, at, pushed++, slot);
    },
    pop() {
      if (size === 0) return undefined;
      const slot = slots[0] ?? 0;
      const item = items[slot];
      items[slot] = undefined;
      free.push(slot);
      size -= 1;
      if (size > 0) sink();
      return item;
    },
  };
}
