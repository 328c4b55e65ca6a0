// A binary heap of events in virtual time; equal times keep the order in which they were added.

export interface Scheduled<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

export interface EventQueue<T> {
  push(at: number, item: T): void;
  pop(): Scheduled<T> | undefined;
  peek(): Scheduled<T> | undefined;
  readonly size: () => number;
}

export function createQueue<T>(): EventQueue<T> {
  const heap: Scheduled<T>[] = [];
  let order = 0;
  const before = (a: Scheduled<T>, b: Scheduled<T>): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number, a: Scheduled<T>, b: Scheduled<T>): void => {
    heap[i] = b;
    heap[j] = a;
  };
  return {
    size: () => heap.length,
    peek: () => heap[0],
    push(at, item) {
      heap.push({ at, order: order++, item });
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1;
        const [a, b] = [heap[parent], heap[i]];
        if (a === undefined || b === undefined || before(a, b)) return;
        swap(parent, i, a, b);
        i = parent;
      }
    },
    pop() {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined || heap.length === 0) return top;
      heap[0] = last;
      for (let i = 0; ;) {
        let least = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          const [a, b] = [heap[child], heap[least]];
          if (a !== undefined && b !== undefined && before(a, b)) least = child;
        }
        const [a, b] = [heap[i], heap[least]];
        if (least === i || a === undefined || b === undefined) return top;
        swap(i, least, a, b);
        i = least;
      }
    },
  };
}
