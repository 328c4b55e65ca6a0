// Matrix product C = A · B in f32: NN, NT and TN by two constants, ragged sizes, batched in z.
//
// A workgroup of 8 by 8 invocations computes a tile of 32 by 32; each invocation holds 4 by 4 sums in registers. Every sum adds its k terms in ascending order, whatever the grid, so that an element's
// bits do not depend on the size of the batch it is computed in.
//
// `matmul` passes tiles of A and B through workgroup memory, 16 deep. `matmul_shallow` reads A and B directly: for products with so
// few terms (k up to 16 or so) that tiles are not read often enough to pay for their barriers.
//
// Dispatch of either: (ceil(n / 32), ceil(m / 32), batches).

struct Shape {
  m: u32,
  n: u32,
  k: u32,
  // First element of each matrix, and elements from one batch to the next.
  a_offset: u32,
  b_offset: u32,
  c_offset: u32,
  a_batch: u32,
  b_batch: u32,
  c_batch: u32,
}

// A is stored [m, k], or [k, m] when transposed; B is stored [k, n], or [n, k] when transposed; C is stored [m, n].
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const TILE = 32u;
const DEPTH = 16u;
// A row of a tile in vectors of four.
const QUADS = TILE / 4u;
const INVOCATIONS = 64u;

// [DEPTH][QUADS]: for each depth, the tile's 32 rows of A (or columns of B) in fours.
var<workgroup> a_tile: array<vec4<f32>, DEPTH * QUADS>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * QUADS>;

fn load_a(base: u32, row: u32, p: u32) -> f32 {
  if (row >= shape.m || p >= shape.k) {
    return 0.0;
  }
  return a[base + select(row * shape.k + p, p * shape.m + row, TRANSPOSE_A)];
}

fn load_b(base: u32, p: u32, column: u32) -> f32 {
  if (column >= shape.n || p >= shape.k) {
    return 0.0;
  }
  return b[base + select(p * shape.n + column, column * shape.k + p, TRANSPOSE_B)];
}

fn store(base: u32, row: u32, column: u32, sums: vec4<f32>) {
  if (row >= shape.m) {
    return;
  }
  let at = base + row * shape.n + column;
  if (column < shape.n) { c[at] = sums.x; }
  if (column + 1u < shape.n) { c[at + 1u] = sums.y; }
  if (column + 2u < shape.n) { c[at + 2u] = sums.z; }
  if (column + 3u < shape.n) { c[at + 3u] = sums.w; }
}

// Four rows of A at depth p, and four columns of B.
fn rows_of_a(base: u32, row: u32, p: u32) -> vec4<f32> {
  return vec4<f32>(
    load_a(base, row, p),
    load_a(base, row + 1u, p),
    load_a(base, row + 2u, p),
    load_a(base, row + 3u, p),
  );
}

fn columns_of_b(base: u32, p: u32, column: u32) -> vec4<f32> {
  return vec4<f32>(
    load_b(base, p, column),
    load_b(base, p, column + 1u),
    load_b(base, p, column + 2u),
    load_b(base, p, column + 3u),
  );
}

@compute @workgroup_size(8, 8)
fn matmul_shallow(@builtin(workgroup_id) group: vec3<u32>, @builtin(global_invocation_id) id: vec3<u32>) {
  let a_base = shape.a_offset + group.z * shape.a_batch;
  let b_base = shape.b_offset + group.z * shape.b_batch;
  let c_base = shape.c_offset + group.z * shape.c_batch;
  let row = id.y * 4u;
  let column = id.x * 4u;
  var sums0 = vec4<f32>();
  var sums1 = vec4<f32>();
  var sums2 = vec4<f32>();
  var sums3 = vec4<f32>();
  for (var p = 0u; p < shape.k; p++) {
    let x = rows_of_a(a_base, row, p);
    let y = columns_of_b(b_base, p, column);
    sums0 += x.x * y;
    sums1 += x.y * y;
    sums2 += x.z * y;
    sums3 += x.w * y;
  }
  store(c_base, row, column, sums0);
  store(c_base, row + 1u, column, sums1);
  store(c_base, row + 2u, column, sums2);
  store(c_base, row + 3u, column, sums3);
}

@compute @workgroup_size(8, 8)
fn matmul(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let a_base = shape.a_offset + group.z * shape.a_batch;
  let b_base = shape.b_offset + group.z * shape.b_batch;
  let c_base = shape.c_offset + group.z * shape.c_batch;
  let first_row = group.y * TILE;
  let first_column = group.x * TILE;

  var sums0 = vec4<f32>();
  var sums1 = vec4<f32>();
  var sums2 = vec4<f32>();
  var sums3 = vec4<f32>();

  for (var start = 0u; start < shape.k; start += DEPTH) {
    let depth = min(DEPTH, shape.k - start);
    for (var slot = index; slot < depth * QUADS; slot += INVOCATIONS) {
      let p = start + slot / QUADS;
      let row = first_row + slot % QUADS * 4u;
      let column = first_column + slot % QUADS * 4u;
      a_tile[slot] = rows_of_a(a_base, row, p);
      b_tile[slot] = columns_of_b(b_base, p, column);
    }
    workgroupBarrier();
    for (var d = 0u; d < depth; d++) {
      let x = a_tile[d * QUADS + local.y];
      let y = b_tile[d * QUADS + local.x];
      sums0 += x.x * y;
      sums1 += x.y * y;
      sums2 += x.z * y;
      sums3 += x.w * y;
    }
    workgroupBarrier();
  }

  let row = first_row + local.y * 4u;
  let column = first_column + local.x * 4u;
  store(c_base, row, column, sums0);
  store(c_base, row + 1u, column, sums1);
  store(c_base, row + 2u, column, sums2);
  store(c_base, row + 3u, column, sums3);
}
