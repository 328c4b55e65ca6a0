// Causal multi-head attention, forward, without ever storing the scores (FlashAttention; Dao et al. 2022).
//
// A workgroup computes ROWS = 4·TALL queries of one head. It walks over the keys up to its last query in tiles of KEYS = 4·WIDE, as
// wide as the head's dimensions (rounded up to a multiple of 4), and keeps for each query the largest score so far, the sum of the
// exponentials, and the output, rescaled whenever the largest grows. Invocation (x, y) holds queries 4y … 4y + 3 against keys
// x, x + WIDE, … (a 4 × 4 patch of scores) and against dimensions 4x … 4x + 3 (a 4 × 4 patch of the output), all in registers.
//
// scores: both operands pass through workgroup memory DEPTH dimensions at a time, as vectors along the dimensions, so that a patch
// takes 8 vector reads for 64 multiply-adds. A row of a tile is padded by one vector: 5 vectors of 4 banks visit all 32 banks.
// output: the tile's weights lie in workgroup memory as vectors of four queries; values come through it DEPTH keys at a time.
//
// Tiles past the diagonal are skipped. The order of every sum hangs on the job's shapes alone.
//
// Shapes of the tiles (16 KiB of workgroup memory and 128 invocations suffice): see src/engine/layers/attention-tiles.ts.

struct Shape {
  // Positions of a sample.
  context: u32,
  heads: u32,
  // Dimensions of one head.
  size: u32,
  // 1 / √size
  scale: f32,
}

// Invocations across the keys and dimensions, and across the queries.
override WIDE: u32 = 16;
override TALL: u32 = 8;
// A multiple of 4 that divides 4·WIDE.
override DEPTH: u32 = 16;

@group(0) @binding(0) var<uniform> shape: Shape;
// [samples · context, 3 · heads · size]: queries, keys, values
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
// [samples · context, heads · size]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// [samples, heads, context]: ln Σ exp of each query's scaled scores
@group(0) @binding(3) var<storage, read_write> log_sums: array<f32>;

var<workgroup> query_tile: array<vec4<f32>, TALL * 4u * (DEPTH / 4u + 1u)>;
// Keys as [4·WIDE][DEPTH / 4 + 1], then values as [DEPTH][WIDE].
var<workgroup> key_tile: array<vec4<f32>, WIDE * 4u * (DEPTH / 4u + 1u)>;
// [4·WIDE keys][TALL]: weights of four queries each. Between two tiles, [TALL][WIDE]: what the invocations of four queries fold.
var<workgroup> weights: array<vec4<f32>, WIDE * 4u * TALL>;

// Four dimensions of a position's query, key or value (part 0, 1, 2) in head `head`; zero outside.
fn load(sample: u32, part: u32, head: u32, position: u32, dimension: u32) -> vec4<f32> {
  var v = vec4<f32>();
  if (position < shape.context) {
    let width = shape.heads * shape.size;
    let at = (sample * shape.context + position) * 3u * width + part * width + head * shape.size + dimension;
    if (dimension < shape.size) { v.x = qkv[at]; }
    if (dimension + 1u < shape.size) { v.y = qkv[at + 1u]; }
    if (dimension + 2u < shape.size) { v.z = qkv[at + 2u]; }
    if (dimension + 3u < shape.size) { v.w = qkv[at + 3u]; }
  }
  return v;
}

// Dispatch: (ceil(context / ROWS), heads, samples).
@compute @workgroup_size(WIDE, TALL)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let head = group.y;
  let sample = group.z;
  let first_query = group.x * TALL * 4u;
  let row = first_query + local.y * 4u;
  let rows = vec4<u32>(row, row + 1u, row + 2u, row + 3u);
  let quads = DEPTH / 4u;
  let pitch = quads + 1u;

  // Below every score, and still finite after subtraction.
  var largest = vec4<f32>(-1e30);
  var sum = vec4<f32>();
  var out0 = vec4<f32>();
  var out1 = vec4<f32>();
  var out2 = vec4<f32>();
  var out3 = vec4<f32>();

  let end = min(first_query + TALL * 4u, shape.context);
  for (var first_key = 0u; first_key < end; first_key += WIDE * 4u) {
    // One row of scores for each of four queries; columns are keys x, x + WIDE, x + 2·WIDE, x + 3·WIDE.
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var d = 0u; d < shape.size; d += DEPTH) {
      for (var i = index; i < TALL * 4u * quads; i += WIDE * TALL) {
        query_tile[i / quads * pitch + i % quads] = load(sample, 0u, head, first_query + i / quads, d + i % quads * 4u);
      }
      for (var i = index; i < WIDE * 4u * quads; i += WIDE * TALL) {
        key_tile[i / quads * pitch + i % quads] = load(sample, 1u, head, first_key + i / quads, d + i % quads * 4u);
      }
      workgroupBarrier();
      for (var q = 0u; q < quads; q++) {
        let a0 = query_tile[local.y * 4u * pitch + q];
        let a1 = query_tile[(local.y * 4u + 1u) * pitch + q];
        let a2 = query_tile[(local.y * 4u + 2u) * pitch + q];
        let a3 = query_tile[(local.y * 4u + 3u) * pitch + q];
        let b0 = key_tile[local.x * pitch + q];
        let b1 = key_tile[(local.x + WIDE) * pitch + q];
        let b2 = key_tile[(local.x + 2u * WIDE) * pitch + q];
        let b3 = key_tile[(local.x + 3u * WIDE) * pitch + q];
        s0 += vec4<f32>(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3));
        s1 += vec4<f32>(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3));
        s2 += vec4<f32>(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3));
        s3 += vec4<f32>(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3));
      }
      workgroupBarrier();
    }

    // A key later than the query, or past the end, has no say.
    let keys = vec4<u32>(first_key + local.x) + vec4<u32>(0u, WIDE, 2u * WIDE, 3u * WIDE);
    s0 = select(vec4<f32>(-1e30), s0 * shape.scale, keys <= vec4<u32>(rows.x));
    s1 = select(vec4<f32>(-1e30), s1 * shape.scale, keys <= vec4<u32>(rows.y));
    s2 = select(vec4<f32>(-1e30), s2 * shape.scale, keys <= vec4<u32>(rows.z));
    s3 = select(vec4<f32>(-1e30), s3 * shape.scale, keys <= vec4<u32>(rows.w));
    let pairs = max(
      vec4<f32>(max(s0.x, s0.y), max(s1.x, s1.y), max(s2.x, s2.y), max(s3.x, s3.y)),
      vec4<f32>(max(s0.z, s0.w), max(s1.z, s1.w), max(s2.z, s2.w), max(s3.z, s3.w)),
    );
    weights[local.y * WIDE + local.x] = pairs;
    workgroupBarrier();
    var now = largest;
    for (var x = 0u; x < WIDE; x++) {
      now = max(now, weights[local.y * WIDE + x]);
    }
    workgroupBarrier();
    let shrink = exp(largest - now);
    largest = now;
    s0 = exp(s0 - now.x);
    s1 = exp(s1 - now.y);
    s2 = exp(s2 - now.z);
    s3 = exp(s3 - now.w);
    // Each invocation sums its own keys; the sums of all are folded once, at the end.
    sum = sum * shrink + vec4<f32>(
      s0.x + s0.y + s0.z + s0.w,
      s1.x + s1.y + s1.z + s1.w,
      s2.x + s2.y + s2.z + s2.w,
      s3.x + s3.y + s3.z + s3.w,
    );
    out0 *= shrink.x;
    out1 *= shrink.y;
    out2 *= shrink.z;
    out3 *= shrink.w;
    weights[local.x * TALL + local.y] = vec4<f32>(s0.x, s1.x, s2.x, s3.x);
    weights[(local.x + WIDE) * TALL + local.y] = vec4<f32>(s0.y, s1.y, s2.y, s3.y);
    weights[(local.x + 2u * WIDE) * TALL + local.y] = vec4<f32>(s0.z, s1.z, s2.z, s3.z);
    weights[(local.x + 3u * WIDE) * TALL + local.y] = vec4<f32>(s0.w, s1.w, s2.w, s3.w);

    let last_key = min(WIDE * 4u, end - first_key);
    for (var k = 0u; k < last_key; k += DEPTH) {
      for (var i = index; i < DEPTH * WIDE; i += WIDE * TALL) {
        key_tile[i] = load(sample, 2u, head, first_key + k + i / WIDE, i % WIDE * 4u);
      }
      workgroupBarrier();
      for (var j = 0u; j < DEPTH; j++) {
        let w = weights[(k + j) * TALL + local.y];
        let v = key_tile[j * WIDE + local.x];
        out0 += w.x * v;
        out1 += w.y * v;
        out2 += w.z * v;
        out3 += w.w * v;
      }
      workgroupBarrier();
    }
  }

  weights[local.y * WIDE + local.x] = sum;
  workgroupBarrier();
  sum = vec4<f32>();
  for (var x = 0u; x < WIDE; x++) {
    sum += weights[local.y * WIDE + x];
  }
  store(sample, head, rows.x, local.x * 4u, out0 / sum.x);
  store(sample, head, rows.y, local.x * 4u, out1 / sum.y);
  store(sample, head, rows.z, local.x * 4u, out2 / sum.z);
  store(sample, head, rows.w, local.x * 4u, out3 / sum.w);
  if (local.x == 0u) {
    let to = (sample * shape.heads + head) * shape.context;
    let logs = largest + log(sum);
    for (var i = 0u; i < 4u; i++) {
      if (row + i < shape.context) { log_sums[to + row + i] = logs[i]; }
    }
  }
}

fn store(sample: u32, head: u32, position: u32, dimension: u32, v: vec4<f32>) {
  if (position >= shape.context) {
    return;
  }
  let at = ((sample * shape.context + position) * shape.heads + head) * shape.size + dimension;
  if (dimension < shape.size) { output[at] = v.x; }
  if (dimension + 1u < shape.size) { output[at + 1u] = v.y; }
  if (dimension + 2u < shape.size) { output[at + 2u] = v.z; }
  if (dimension + 3u < shape.size) { output[at + 3u] = v.w; }
}
