// Matrix product C = op(A) · op(B) in f32 for large sizes: tiles of 256 by 128, 16 or 8 deep, 16 by 8 sums an invocation.
//
// 256 invocations and 48 KiB of workgroup memory, or 24 KiB at a depth of 8: only for devices that offer so much. At each depth an invocation reads 6 vectors for
// 128 fused multiply-adds, against 3 for 32 of the 64 by 64 kernel; on an H100 the fastest from 2048 on.
//
// Ragged sizes, batches and splits of the sum (in z), NN, NT and TN by two constants, + bias, then an activation. Every sum adds its
// terms in ascending order, whatever the tiling: without splits, an element's bits are those of the other matmul kernels.
//
// Dispatch: (ceil(n / TILE_N), ceil(m / TILE_M), batches · splits). With more than one split, C is scratch, [batch][split][m][n], without
// bias or activation; matmul_splits.wgsl adds up.
//
// Bytes: both tiles are passed through workgroup memory as vectors of four across k, whichever way the operand is stored, so that
// NT and TN multiply at the pace of NN. Blocks of four by four are turned in registers on the way in.

struct Shape {
  m: u32,
  n: u32,
  k: u32,
  // First element of each matrix, elements from one batch to the next, and from one stored row to the next.
  a_offset: u32,
  b_offset: u32,
  c_offset: u32,
  a_batch: u32,
  b_batch: u32,
  c_batch: u32,
  a_stride: u32,
  b_stride: u32,
  c_stride: u32,
  // Where the bias begins in B's buffer.
  bias: u32,
  // Workgroups in z are batches times splits; each split sums this many terms (all of them where there is one split).
  splits: u32,
  split_terms: u32,
}

// A is stored [m, k], or [k, m] when transposed; B is stored [k, n], or [n, k] when transposed; C is stored [m, n].
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
// Whether offset, strides and the contiguous extent of an operand are multiples of 4, so that it can be read in vectors.
override VECTOR_A: bool = true;
override VECTOR_B: bool = true;
override BIAS: bool = false;
// 0 relu, 1 gelu, 2 gelu_tanh, 3 silu, 4 tanh (as in activation.wgsl), 5 none.
override ACTIVATION: u32 = 5;
// Whether the product is added to what C holds.
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
// In elements: a store of one component of a vector may touch its neighbours, which are another invocation's at a ragged edge.
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
// keep:begin As C, before the activation.
@group(0) @binding(4) var<storage, read_write> before: array<f32>;
// keep:end

const TILE_M = 256u;
const TILE_N = 128u;
override DEPTH: u32 = 16u;
const INVOCATIONS = 256u;
// Vectors in a row of each tile.
const A_QUADS = 64u;
const B_QUADS = 32u;
// Invocations across a tile, and down.
const ACROSS = 16u;
const DOWN = 16u;

// Two of each, [DEPTH][QUADS]: while one is multiplied, the next is written.
var<workgroup> a_tile: array<vec4<f32>, 2u * DEPTH * A_QUADS>;
var<workgroup> b_tile: array<vec4<f32>, 2u * DEPTH * B_QUADS>;

fn element_of_a(i: u32) -> f32 {
  return a[i >> 2u][i & 3u];
}

fn element_of_b(i: u32) -> f32 {
  return b[i >> 2u][i & 3u];
}

// Four neighbours in memory, from `at` on, of which `inside` are in the matrix; zeros for the others.
fn quad_of_a(at: u32, inside: u32) -> vec4<f32> {
  if (inside == 0u) { return vec4<f32>(); }
  if (VECTOR_A) { return a[at >> 2u]; }
  var quad = vec4<f32>(element_of_a(at), 0.0, 0.0, 0.0);
  if (inside > 1u) { quad.y = element_of_a(at + 1u); }
  if (inside > 2u) { quad.z = element_of_a(at + 2u); }
  if (inside > 3u) { quad.w = element_of_a(at + 3u); }
  return quad;
}

fn quad_of_b(at: u32, inside: u32) -> vec4<f32> {
  if (inside == 0u) { return vec4<f32>(); }
  if (VECTOR_B) { return b[at >> 2u]; }
  var quad = vec4<f32>(element_of_b(at), 0.0, 0.0, 0.0);
  if (inside > 1u) { quad.y = element_of_b(at + 1u); }
  if (inside > 2u) { quad.z = element_of_b(at + 2u); }
  if (inside > 3u) { quad.w = element_of_b(at + 3u); }
  return quad;
}

// How many of four places from `first` on lie below `end`.
fn left(first: u32, end: u32) -> u32 {
  return select(0u, min(4u, end - first), first < end);
}

// A block of four by four elements: four vectors as they lie in memory.
struct Block {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

// Rows `row` to row + 3 of A at depths p to p + 3: vectors along k, or along m when A is stored transposed. `end` is where the
// terms of this split end.
fn block_of_a(base: u32, row: u32, p: u32, end: u32) -> Block {
  let stride = shape.a_stride;
  if (TRANSPOSE_A) {
    let inside = left(row, shape.m);
    let at = base + p * stride + row;
    return Block(
      quad_of_a(at, select(0u, inside, p < end)),
      quad_of_a(at + stride, select(0u, inside, p + 1u < end)),
      quad_of_a(at + 2u * stride, select(0u, inside, p + 2u < end)),
      quad_of_a(at + 3u * stride, select(0u, inside, p + 3u < end)),
    );
  }
  let inside = left(p, end);
  let at = base + row * stride + p;
  return Block(
    quad_of_a(at, select(0u, inside, row < shape.m)),
    quad_of_a(at + stride, select(0u, inside, row + 1u < shape.m)),
    quad_of_a(at + 2u * stride, select(0u, inside, row + 2u < shape.m)),
    quad_of_a(at + 3u * stride, select(0u, inside, row + 3u < shape.m)),
  );
}

// Columns `column` to column + 3 of B at depths p to p + 3: vectors along n, or along k when B is stored transposed.
fn block_of_b(base: u32, column: u32, p: u32, end: u32) -> Block {
  let stride = shape.b_stride;
  if (TRANSPOSE_B) {
    let inside = left(p, end);
    let at = base + column * stride + p;
    return Block(
      quad_of_b(at, select(0u, inside, column < shape.n)),
      quad_of_b(at + stride, select(0u, inside, column + 1u < shape.n)),
      quad_of_b(at + 2u * stride, select(0u, inside, column + 2u < shape.n)),
      quad_of_b(at + 3u * stride, select(0u, inside, column + 3u < shape.n)),
    );
  }
  let inside = left(column, shape.n);
  let at = base + p * stride + column;
  return Block(
    quad_of_b(at, select(0u, inside, p < end)),
    quad_of_b(at + stride, select(0u, inside, p + 1u < end)),
    quad_of_b(at + 2u * stride, select(0u, inside, p + 2u < end)),
    quad_of_b(at + 3u * stride, select(0u, inside, p + 3u < end)),
  );
}

// Vectors along k become vectors across it. Whole vectors are written, never components: those of one vector belong to one invocation.
fn turned(block: Block) -> Block {
  return Block(
    vec4<f32>(block.r0.x, block.r1.x, block.r2.x, block.r3.x),
    vec4<f32>(block.r0.y, block.r1.y, block.r2.y, block.r3.y),
    vec4<f32>(block.r0.z, block.r1.z, block.r2.z, block.r3.z),
    vec4<f32>(block.r0.w, block.r1.w, block.r2.w, block.r3.w),
  );
}

// The vectors of a tile's row at depth d are kept in the order q ^ swizzle(d / 4). Lanes that write blocks at four depths and
// two columns then meet eight different banks; without it, four of them would meet one.
fn swizzle(depth_block: u32) -> u32 {
  return 2u * depth_block;
}

fn put_a(buffer: u32, quad: u32, depth_block: u32, block: Block) {
  var across = block;
  if (!TRANSPOSE_A) { across = turned(block); }
  let at = (buffer * DEPTH + 4u * depth_block) * A_QUADS + (quad ^ swizzle(depth_block));
  a_tile[at] = across.r0;
  a_tile[at + A_QUADS] = across.r1;
  a_tile[at + 2u * A_QUADS] = across.r2;
  a_tile[at + 3u * A_QUADS] = across.r3;
}

fn put_b(buffer: u32, quad: u32, depth_block: u32, block: Block) {
  var across = block;
  if (TRANSPOSE_B) { across = turned(block); }
  let at = (buffer * DEPTH + 4u * depth_block) * B_QUADS + (quad ^ swizzle(depth_block));
  b_tile[at] = across.r0;
  b_tile[at + B_QUADS] = across.r1;
  b_tile[at + 2u * B_QUADS] = across.r2;
  b_tile[at + 3u * B_QUADS] = across.r3;
}

const SQRT_2_OVER_PI = 0.7978845608028654;
const CUBIC = 0.044715;
const INVERSE_SQRT_2 = 0.7071067811865476;

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

// Four sums of one row, finished and stored as far as they lie in the matrix.
fn store(base: u32, row: u32, column: u32, sums: vec4<f32>) {
  let inside = select(0u, left(column, shape.n), row < shape.m);
  for (var i = 0u; i < inside; i++) {
    let at = base + row * shape.c_stride + column + i;
    var x = sums[i];
    if (BIAS) { x += element_of_b(shape.bias + column + i); }
    if (ACCUMULATE) { x += c[at]; }
    // keep:begin
    before[at] = x;
    // keep:end
    c[at] = apply(x);
  }
}

@compute @workgroup_size(256)
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  // A subgroup of 32 covers a patch of 8 by 4 invocations, so that it reads few different vectors of a tile.
  let patch_index = index / 32u;
  let lane = index % 32u;
  let x = (patch_index % 2u) * 8u + lane % 8u;
  let y = (patch_index / 2u) * 4u + lane / 8u;

  let batch = group.z / shape.splits;
  let split = group.z % shape.splits;
  let first = split * shape.split_terms;
  let end = min(shape.k, first + shape.split_terms);
  let row = group.y * TILE_M;
  let column = group.x * TILE_N;
  let a_base = shape.a_offset + batch * shape.a_batch;
  let b_base = shape.b_offset + batch * shape.b_batch;

  // Invocations bring blocks of four by four: at a depth of 16 every one a block of A, and half of them one of B. Neighbours read
  // neighbours in memory.
  let depth_blocks = DEPTH / 4u;
  let brings_a = index < A_QUADS * depth_blocks;
  let a_quad = select(index / depth_blocks, index % A_QUADS, TRANSPOSE_A);
  let a_depth = select(index % depth_blocks, index / A_QUADS, TRANSPOSE_A);
  let brings_b = index < B_QUADS * depth_blocks;
  let b_quad = select(index % B_QUADS, index / depth_blocks, TRANSPOSE_B);
  let b_depth = select(index / B_QUADS, index % depth_blocks, TRANSPOSE_B);
  var a_block: Block;
  var b_block: Block;
  if (brings_a) { a_block = block_of_a(a_base, row + 4u * a_quad, first + 4u * a_depth, end); }
  if (brings_b) { b_block = block_of_b(b_base, column + 4u * b_quad, first + 4u * b_depth, end); }
  if (brings_a) { put_a(0u, a_quad, a_depth, a_block); }
  if (brings_b) { put_b(0u, b_quad, b_depth, b_block); }
  workgroupBarrier();

  // Sums are named one by one: an array that is indexed may be kept in memory, and these must be in registers.
  var s0_0 = vec4<f32>(); var s0_1 = vec4<f32>();
  var s1_0 = vec4<f32>(); var s1_1 = vec4<f32>();
  var s2_0 = vec4<f32>(); var s2_1 = vec4<f32>();
  var s3_0 = vec4<f32>(); var s3_1 = vec4<f32>();
  var s4_0 = vec4<f32>(); var s4_1 = vec4<f32>();
  var s5_0 = vec4<f32>(); var s5_1 = vec4<f32>();
  var s6_0 = vec4<f32>(); var s6_1 = vec4<f32>();
  var s7_0 = vec4<f32>(); var s7_1 = vec4<f32>();
  var s8_0 = vec4<f32>(); var s8_1 = vec4<f32>();
  var s9_0 = vec4<f32>(); var s9_1 = vec4<f32>();
  var s10_0 = vec4<f32>(); var s10_1 = vec4<f32>();
  var s11_0 = vec4<f32>(); var s11_1 = vec4<f32>();
  var s12_0 = vec4<f32>(); var s12_1 = vec4<f32>();
  var s13_0 = vec4<f32>(); var s13_1 = vec4<f32>();
  var s14_0 = vec4<f32>(); var s14_1 = vec4<f32>();
  var s15_0 = vec4<f32>(); var s15_1 = vec4<f32>();
  var buffer = 0u;
  for (var start = first; start < end; start += DEPTH) {
    // The next tiles are on their way from memory while these are multiplied.
    let more = start + DEPTH < end;
    if (more) {
      let p = start + DEPTH;
      if (brings_a) { a_block = block_of_a(a_base, row + 4u * a_quad, p + 4u * a_depth, end); }
      if (brings_b) { b_block = block_of_b(b_base, column + 4u * b_quad, p + 4u * b_depth, end); }
    }
    for (var d = 0u; d < DEPTH; d++) {
      let turn = swizzle(d / 4u);
      let a_row = (buffer * DEPTH + d) * A_QUADS;
      let b_row = (buffer * DEPTH + d) * B_QUADS;
      let a0 = a_tile[a_row + (y ^ turn)];
      let a1 = a_tile[a_row + ((y + 1u * DOWN) ^ turn)];
      let a2 = a_tile[a_row + ((y + 2u * DOWN) ^ turn)];
      let a3 = a_tile[a_row + ((y + 3u * DOWN) ^ turn)];
      let b0 = b_tile[b_row + (x ^ turn)];
      let b1 = b_tile[b_row + ((x + 1u * ACROSS) ^ turn)];
      s0_0 = fma(vec4<f32>(a0.x), b0, s0_0);
      s0_1 = fma(vec4<f32>(a0.x), b1, s0_1);
      s1_0 = fma(vec4<f32>(a0.y), b0, s1_0);
      s1_1 = fma(vec4<f32>(a0.y), b1, s1_1);
      s2_0 = fma(vec4<f32>(a0.z), b0, s2_0);
      s2_1 = fma(vec4<f32>(a0.z), b1, s2_1);
      s3_0 = fma(vec4<f32>(a0.w), b0, s3_0);
      s3_1 = fma(vec4<f32>(a0.w), b1, s3_1);
      s4_0 = fma(vec4<f32>(a1.x), b0, s4_0);
      s4_1 = fma(vec4<f32>(a1.x), b1, s4_1);
      s5_0 = fma(vec4<f32>(a1.y), b0, s5_0);
      s5_1 = fma(vec4<f32>(a1.y), b1, s5_1);
      s6_0 = fma(vec4<f32>(a1.z), b0, s6_0);
      s6_1 = fma(vec4<f32>(a1.z), b1, s6_1);
      s7_0 = fma(vec4<f32>(a1.w), b0, s7_0);
      s7_1 = fma(vec4<f32>(a1.w), b1, s7_1);
      s8_0 = fma(vec4<f32>(a2.x), b0, s8_0);
      s8_1 = fma(vec4<f32>(a2.x), b1, s8_1);
      s9_0 = fma(vec4<f32>(a2.y), b0, s9_0);
      s9_1 = fma(vec4<f32>(a2.y), b1, s9_1);
      s10_0 = fma(vec4<f32>(a2.z), b0, s10_0);
      s10_1 = fma(vec4<f32>(a2.z), b1, s10_1);
      s11_0 = fma(vec4<f32>(a2.w), b0, s11_0);
      s11_1 = fma(vec4<f32>(a2.w), b1, s11_1);
      s12_0 = fma(vec4<f32>(a3.x), b0, s12_0);
      s12_1 = fma(vec4<f32>(a3.x), b1, s12_1);
      s13_0 = fma(vec4<f32>(a3.y), b0, s13_0);
      s13_1 = fma(vec4<f32>(a3.y), b1, s13_1);
      s14_0 = fma(vec4<f32>(a3.z), b0, s14_0);
      s14_1 = fma(vec4<f32>(a3.z), b1, s14_1);
      s15_0 = fma(vec4<f32>(a3.w), b0, s15_0);
      s15_1 = fma(vec4<f32>(a3.w), b1, s15_1);
    }
    if (more) {
      if (brings_a) { put_a(1u - buffer, a_quad, a_depth, a_block); }
      if (brings_b) { put_b(1u - buffer, b_quad, b_depth, b_block); }
    }
    workgroupBarrier();
    buffer = 1u - buffer;
  }

  let c_base = shape.c_offset + group.z * shape.c_batch;
  store(c_base, row + 4u * y, column + 4u * x, s0_0);
  store(c_base, row + 4u * y, column + 4u * (x + 1u * ACROSS), s0_1);
  store(c_base, row + 4u * y + 1u, column + 4u * x, s1_0);
  store(c_base, row + 4u * y + 1u, column + 4u * (x + 1u * ACROSS), s1_1);
  store(c_base, row + 4u * y + 2u, column + 4u * x, s2_0);
  store(c_base, row + 4u * y + 2u, column + 4u * (x + 1u * ACROSS), s2_1);
  store(c_base, row + 4u * y + 3u, column + 4u * x, s3_0);
  store(c_base, row + 4u * y + 3u, column + 4u * (x + 1u * ACROSS), s3_1);
  store(c_base, row + 4u * (y + 1u * DOWN), column + 4u * x, s4_0);
  store(c_base, row + 4u * (y + 1u * DOWN), column + 4u * (x + 1u * ACROSS), s4_1);
  store(c_base, row + 4u * (y + 1u * DOWN) + 1u, column + 4u * x, s5_0);
  store(c_base, row + 4u * (y + 1u * DOWN) + 1u, column + 4u * (x + 1u * ACROSS), s5_1);
  store(c_base, row + 4u * (y + 1u * DOWN) + 2u, column + 4u * x, s6_0);
  store(c_base, row + 4u * (y + 1u * DOWN) + 2u, column + 4u * (x + 1u * ACROSS), s6_1);
  store(c_base, row + 4u * (y + 1u * DOWN) + 3u, column + 4u * x, s7_0);
  store(c_base, row + 4u * (y + 1u * DOWN) + 3u, column + 4u * (x + 1u * ACROSS), s7_1);
  store(c_base, row + 4u * (y + 2u * DOWN), column + 4u * x, s8_0);
  store(c_base, row + 4u * (y + 2u * DOWN), column + 4u * (x + 1u * ACROSS), s8_1);
  store(c_base, row + 4u * (y + 2u * DOWN) + 1u, column + 4u * x, s9_0);
  store(c_base, row + 4u * (y + 2u * DOWN) + 1u, column + 4u * (x + 1u * ACROSS), s9_1);
  store(c_base, row + 4u * (y + 2u * DOWN) + 2u, column + 4u * x, s10_0);
  store(c_base, row + 4u * (y + 2u * DOWN) + 2u, column + 4u * (x + 1u * ACROSS), s10_1);
  store(c_base, row + 4u * (y + 2u * DOWN) + 3u, column + 4u * x, s11_0);
  store(c_base, row + 4u * (y + 2u * DOWN) + 3u, column + 4u * (x + 1u * ACROSS), s11_1);
  store(c_base, row + 4u * (y + 3u * DOWN), column + 4u * x, s12_0);
  store(c_base, row + 4u * (y + 3u * DOWN), column + 4u * (x + 1u * ACROSS), s12_1);
  store(c_base, row + 4u * (y + 3u * DOWN) + 1u, column + 4u * x, s13_0);
  store(c_base, row + 4u * (y + 3u * DOWN) + 1u, column + 4u * (x + 1u * ACROSS), s13_1);
  store(c_base, row + 4u * (y + 3u * DOWN) + 2u, column + 4u * x, s14_0);
  store(c_base, row + 4u * (y + 3u * DOWN) + 2u, column + 4u * (x + 1u * ACROSS), s14_1);
  store(c_base, row + 4u * (y + 3u * DOWN) + 3u, column + 4u * x, s15_0);
  store(c_base, row + 4u * (y + 3u * DOWN) + 3u, column + 4u * (x + 1u * ACROSS), s15_1);
}
