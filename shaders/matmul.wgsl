// Matrix product C = op(A) · op(B) in f32: NN, NT and TN by strides, ragged sizes, batched in z; then + bias, then an activation.
//
// Only the activation is a constant: a program on the CPU takes some tenths of a second to compile one of these, and a model has many
// products that differ in nothing but their strides, or in whether there is a bias.
//
// Tiling: a workgroup of 8 by 8 invocations computes a tile of 32 by 32; each invocation holds 4 by 4 sums in registers. Every sum
// adds its k terms in ascending order, whatever the grid, so that an element's bits do not depend on the size of the batch it is
// computed in.
//
// `matmul` passes tiles of A and B through workgroup memory, 16 deep. `matmul_shallow` reads A and B directly: for products with so
// few terms (k up to 16 or so), or so few rows (m up to 8), that tiles are not read often enough to pay for their barriers.
// `matmul_keep` is `matmul` for a layer whose activation's gradient needs what the activation was computed from.
//
// Dispatch of each: (ceil(n / 32), ceil(m / 32), batches).

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
  // Elements from one row of op(A) to the next, and from one term of its sums to the next: one of them is 1.
  a_row: u32,
  a_term: u32,
  // The same of the terms and the columns of op(B).
  b_term: u32,
  b_column: u32,
  // C is stored [m, n]: from one row to the next.
  c_row: u32,
  // Where the bias begins in B's buffer; NO_BIAS for none.
  bias: u32,
  // Whether the product is added to what C holds: 1, or else 0.
  accumulate: u32,
}

const NO_BIAS = 0xffffffffu;
// 0 relu, 1 gelu, 2 gelu_tanh, 3 silu, 4 tanh (as in activation.wgsl), 5 none.
override ACTIVATION: u32 = 5;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
// matmul_keep: as C, before the activation.
@group(0) @binding(4) var<storage, read_write> before: array<f32>;

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
  return a[base + row * shape.a_row + p * shape.a_term];
}

fn load_b(base: u32, p: u32, column: u32) -> f32 {
  if (column >= shape.n || p >= shape.k) {
    return 0.0;
  }
  return b[base + p * shape.b_term + column * shape.b_column];
}

const SQRT_2_OVER_PI = 0.7978845608028654;
const CUBIC = 0.044715;
const INVERSE_SQRT_2 = 0.7071067811865476;
const INVERSE_SQRT_2_PI = 0.3989422804014327;

// max(x, 0), except that NaN stays NaN, so that it reaches the loss and is flagged there. WGSL may assume that there is no NaN, so
// the bits are asked.
fn relu(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let keeps = bits < 0x80000000u || bits > 0xff800000u;
  return select(0.0, x, keeps);
}

// By e^(−2|x|), which neither overflows nor cancels.
fn hyperbolic(x: f32) -> f32 {
  let e = exp(-2.0 * abs(x));
  let y = (1.0 - e) / (1.0 + e);
  return select(y, -y, x < 0.0);
}

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// Φ(x) = (1 + erf(x / √2)) / 2, with erf by Abramowitz and Stegun 7.1.26: within 1.5e-7.
fn normal_cdf(x: f32) -> f32 {
  let z = abs(x) * INVERSE_SQRT_2;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * series * exp(-z * z);
  return select(1.0 - tail, tail, x < 0.0);
}

fn apply(x: f32) -> f32 {
  switch ACTIVATION {
    case 0u: { return relu(x); }
    case 1u: { return x * normal_cdf(x); }
    case 2u: { return 0.5 * x * (1.0 + hyperbolic(SQRT_2_OVER_PI * (x + CUBIC * x * x * x))); }
    case 3u: { return x * sigmoid(x); }
    case 4u: { return hyperbolic(x); }
    default: { return x; }
  }
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

struct Sums {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

fn row_of(s: Sums, r: u32) -> vec4<f32> {
  return select(select(s.r2, s.r3, r == 3u), select(s.r0, s.r1, r == 1u), r < 2u);
}

fn product(group: vec3<u32>, local: vec3<u32>, index: u32) -> Sums {
  let a_base = shape.a_offset + group.z * shape.a_batch;
  let b_base = shape.b_offset + group.z * shape.b_batch;
  var s = Sums();
  for (var start = 0u; start < shape.k; start += DEPTH) {
    let depth = min(DEPTH, shape.k - start);
    for (var slot = index; slot < depth * QUADS; slot += INVOCATIONS) {
      let p = start + slot / QUADS;
      a_tile[slot] = rows_of_a(a_base, group.y * TILE + slot % QUADS * 4u, p);
      b_tile[slot] = columns_of_b(b_base, p, group.x * TILE + slot % QUADS * 4u);
    }
    workgroupBarrier();
    for (var d = 0u; d < depth; d++) {
      let x = a_tile[d * QUADS + local.y];
      let y = b_tile[d * QUADS + local.x];
      s.r0 += x.x * y;
      s.r1 += x.y * y;
      s.r2 += x.z * y;
      s.r3 += x.w * y;
    }
    workgroupBarrier();
  }
  return s;
}

fn product_shallow(group: vec3<u32>, row: u32, column: u32) -> Sums {
  let a_base = shape.a_offset + group.z * shape.a_batch;
  let b_base = shape.b_offset + group.z * shape.b_batch;
  var s = Sums();
  for (var p = 0u; p < shape.k; p++) {
    let x = rows_of_a(a_base, row, p);
    let y = columns_of_b(b_base, p, column);
    s.r0 += x.x * y;
    s.r1 += x.y * y;
    s.r2 += x.z * y;
    s.r3 += x.w * y;
  }
  return s;
}

// A sum as the activation takes it.
fn finished(sum: f32, at: u32, column: u32) -> f32 {
  var x = sum;
  if (shape.bias != NO_BIAS) { x += b[shape.bias + column]; }
  if (shape.accumulate != 0u) { x += c[at]; }
  return x;
}

fn store(batch: u32, row: u32, column: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (row < shape.m && column + i < shape.n) {
      let at = shape.c_offset + batch * shape.c_batch + row * shape.c_row + column + i;
      c[at] = apply(finished(sums[i], at, column + i));
    }
  }
}

fn store_both(batch: u32, row: u32, column: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (row < shape.m && column + i < shape.n) {
      let at = shape.c_offset + batch * shape.c_batch + row * shape.c_row + column + i;
      let x = finished(sums[i], at, column + i);
      before[at] = x;
      c[at] = apply(x);
    }
  }
}

@compute @workgroup_size(8, 8)
fn matmul(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
  @builtin(global_invocation_id) id: vec3<u32>,
) {
  let s = product(group, local, index);
  for (var r = 0u; r < 4u; r++) {
    store(group.z, id.y * 4u + r, id.x * 4u, row_of(s, r));
  }
}

@compute @workgroup_size(8, 8)
fn matmul_keep(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
  @builtin(global_invocation_id) id: vec3<u32>,
) {
  let s = product(group, local, index);
  for (var r = 0u; r < 4u; r++) {
    store_both(group.z, id.y * 4u + r, id.x * 4u, row_of(s, r));
  }
}

@compute @workgroup_size(8, 8)
fn matmul_shallow(@builtin(workgroup_id) group: vec3<u32>, @builtin(global_invocation_id) id: vec3<u32>) {
  // Of a product with few rows, most have nothing to sum.
  if (id.y * 4u >= shape.m || id.x * 4u >= shape.n) {
    return;
  }
  let s = product_shallow(group, id.y * 4u, id.x * 4u);
  for (var r = 0u; r < 4u; r++) {
    store(group.z, id.y * 4u + r, id.x * 4u, row_of(s, r));
  }
}
