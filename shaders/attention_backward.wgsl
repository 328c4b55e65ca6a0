// Causal multi-head attention, backward, with the scores computed anew from what forward kept (FlashAttention; Dao et al. 2022).
//
// With weights p = exp(scale · q·k − log sum), dp = do · v and ds = p (dp − delta), where delta is the sum of do · o over a query's
// dimensions:  dq = scale Σ ds k,  dk = scale Σ ds q,  dv = Σ p do.
//
// `deltas` first. Then `queries` gives dq: like forward, ROWS queries of a head in a workgroup that walks over keys. `keys_values`
// gives dk and dv the other way round: ROWS keys in a workgroup that walks over the queries from its first key on. Nothing is added
// to by two workgroups, so there are no atomics and the order of every sum hangs on the job's shapes alone. Tiling as in
// attention.wgsl: `products` is its scores, `mix` its output.

struct Shape {
  // Positions of a sample.
  context: u32,
  heads: u32,
  // Dimensions of one head.
  size: u32,
  // 1 / √size
  scale: f32,
}

override WIDE: u32 = 16;
override TALL: u32 = 8;
override DEPTH: u32 = 16;
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// deltas: what forward gave, [samples · context, heads · size]; the others: [samples · context, 3 · heads · size]
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
// The gradient at the output, [samples · context, heads · size]
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
// deltas: [samples, heads, context]
@group(0) @binding(3) var<storage, read_write> new_deltas: array<f32>;
// The others: the same, and the log sums that forward kept, [samples, heads, context] too
@group(0) @binding(3) var<storage, read> kept_deltas: array<f32>;
@group(0) @binding(4) var<storage, read> log_sums: array<f32>;
// As qkv
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;

// One invocation a query. Dispatch: (ceil(context / 64), heads, samples).
@compute @workgroup_size(64)
fn deltas(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let position = group.x * 64u + index;
  if (position >= shape.context) {
    return;
  }
  let first = ((group.z * shape.context + position) * shape.heads + group.y) * shape.size;
  var sum = 0.0;
  for (var d = 0u; d < shape.size; d++) {
    sum += qkv[first + d] * upstream[first + d];
  }
  new_deltas[(group.z * shape.heads + group.y) * shape.context + position] = sum;
}

const QUERY = 0u;
const KEY = 1u;
const VALUE = 2u;
const UPSTREAM = 3u;

var<workgroup> row_tile: array<vec4<f32>, TALL * 4u * (DEPTH / 4u + 1u)>;
// Columns as [4·WIDE][DEPTH / 4 + 1], then rows to mix as [DEPTH][WIDE].
var<workgroup> column_tile: array<vec4<f32>, WIDE * 4u * (DEPTH / 4u + 1u)>;
// [4·WIDE columns][TALL]: weights of four rows each.
var<workgroup> weights: array<vec4<f32>, WIDE * 4u * TALL>;

struct Patch {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

struct Place {
  sample: u32,
  head: u32,
  x: u32,
  y: u32,
  index: u32,
}

// Four dimensions of a position in one of the four parts; zero outside.
fn load(place: Place, part: u32, position: u32, dimension: u32) -> vec4<f32> {
  var v = vec4<f32>();
  if (position >= shape.context) {
    return v;
  }
  let width = shape.heads * shape.size;
  let row = place.sample * shape.context + position;
  let column = place.head * shape.size + dimension;
  if (part == UPSTREAM) {
    let at = row * width + column;
    if (dimension < shape.size) { v.x = upstream[at]; }
    if (dimension + 1u < shape.size) { v.y = upstream[at + 1u]; }
    if (dimension + 2u < shape.size) { v.z = upstream[at + 2u]; }
    if (dimension + 3u < shape.size) { v.w = upstream[at + 3u]; }
  } else {
    let at = row * 3u * width + part * width + column;
    if (dimension < shape.size) { v.x = qkv[at]; }
    if (dimension + 1u < shape.size) { v.y = qkv[at + 1u]; }
    if (dimension + 2u < shape.size) { v.z = qkv[at + 2u]; }
    if (dimension + 3u < shape.size) { v.w = qkv[at + 3u]; }
  }
  return v;
}

// Rows 4y … 4y + 3 of one part times columns x, x + WIDE, … of another, summed over the dimensions.
fn products(place: Place, row_part: u32, first_row: u32, column_part: u32, first_column: u32) -> Patch {
  let quads = DEPTH / 4u;
  let pitch = quads + 1u;
  var p = Patch();
  for (var d = 0u; d < shape.size; d += DEPTH) {
    for (var i = place.index; i < TALL * 4u * quads; i += WIDE * TALL) {
      row_tile[i / quads * pitch + i % quads] = load(place, row_part, first_row + i / quads, d + i % quads * 4u);
    }
    for (var i = place.index; i < WIDE * 4u * quads; i += WIDE * TALL) {
      column_tile[i / quads * pitch + i % quads] = load(place, column_part, first_column + i / quads, d + i % quads * 4u);
    }
    workgroupBarrier();
    for (var q = 0u; q < quads; q++) {
      let a0 = row_tile[place.y * 4u * pitch + q];
      let a1 = row_tile[(place.y * 4u + 1u) * pitch + q];
      let a2 = row_tile[(place.y * 4u + 2u) * pitch + q];
      let a3 = row_tile[(place.y * 4u + 3u) * pitch + q];
      let b0 = column_tile[place.x * pitch + q];
      let b1 = column_tile[(place.x + WIDE) * pitch + q];
      let b2 = column_tile[(place.x + 2u * WIDE) * pitch + q];
      let b3 = column_tile[(place.x + 3u * WIDE) * pitch + q];
      p.r0 += vec4<f32>(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3));
      p.r1 += vec4<f32>(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3));
      p.r2 += vec4<f32>(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3));
      p.r3 += vec4<f32>(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3));
    }
    workgroupBarrier();
  }
  return p;
}

// Adds to rows 4y … 4y + 3, dimensions 4x … 4x + 3: the patch's weights times the columns of a part.
fn mix(place: Place, w: Patch, part: u32, first_column: u32, before: Patch) -> Patch {
  weights[place.x * TALL + place.y] = vec4<f32>(w.r0.x, w.r1.x, w.r2.x, w.r3.x);
  weights[(place.x + WIDE) * TALL + place.y] = vec4<f32>(w.r0.y, w.r1.y, w.r2.y, w.r3.y);
  weights[(place.x + 2u * WIDE) * TALL + place.y] = vec4<f32>(w.r0.z, w.r1.z, w.r2.z, w.r3.z);
  weights[(place.x + 3u * WIDE) * TALL + place.y] = vec4<f32>(w.r0.w, w.r1.w, w.r2.w, w.r3.w);
  var p = before;
  for (var k = 0u; k < WIDE * 4u; k += DEPTH) {
    for (var i = place.index; i < DEPTH * WIDE; i += WIDE * TALL) {
      column_tile[i] = load(place, part, first_column + k + i / WIDE, i % WIDE * 4u);
    }
    workgroupBarrier();
    for (var j = 0u; j < DEPTH; j++) {
      let four = weights[(k + j) * TALL + place.y];
      let v = column_tile[j * WIDE + place.x];
      p.r0 += four.x * v;
      p.r1 += four.y * v;
      p.r2 += four.z * v;
      p.r3 += four.w * v;
    }
    workgroupBarrier();
  }
  return p;
}

fn store_row(place: Place, part: u32, position: u32, v: vec4<f32>) {
  if (position >= shape.context) {
    return;
  }
  let width = shape.heads * shape.size;
  let dimension = place.x * 4u;
  let at = (place.sample * shape.context + position) * 3u * width + part * width + place.head * shape.size + dimension;
  for (var i = 0u; i < 4u; i++) {
    if (dimension + i < shape.size) {
      if (ACCUMULATE) { gradient[at + i] += v[i]; } else { gradient[at + i] = v[i]; }
    }
  }
}

fn store(place: Place, part: u32, row: u32, p: Patch, factor: f32) {
  store_row(place, part, row, p.r0 * factor);
  store_row(place, part, row + 1u, p.r1 * factor);
  store_row(place, part, row + 2u, p.r2 * factor);
  store_row(place, part, row + 3u, p.r3 * factor);
}

// Of a query: the log sum, made so large past the end that every weight is 0; and delta.
fn statistics(place: Place, position: u32) -> vec2<f32> {
  if (position >= shape.context) {
    return vec2<f32>(1e30, 0.0);
  }
  let at = (place.sample * shape.heads + place.head) * shape.context + position;
  return vec2<f32>(log_sums[at], kept_deltas[at]);
}

// Weights of one query against four keys.
fn weigh(scores: vec4<f32>, log_sum: f32, query: u32, keys: vec4<u32>) -> vec4<f32> {
  return select(vec4<f32>(), exp(scores * shape.scale - log_sum), keys <= vec4<u32>(query));
}

// Dispatch: (ceil(context / ROWS), heads, samples).
@compute @workgroup_size(WIDE, TALL)
fn queries(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let place = Place(group.z, group.y, local.x, local.y, index);
  let first_query = group.x * TALL * 4u;
  let row = first_query + local.y * 4u;
  let q0 = statistics(place, row);
  let q1 = statistics(place, row + 1u);
  let q2 = statistics(place, row + 2u);
  let q3 = statistics(place, row + 3u);
  let end = min(first_query + TALL * 4u, shape.context);
  var dq = Patch();
  for (var first_key = 0u; first_key < end; first_key += WIDE * 4u) {
    let keys = vec4<u32>(first_key + local.x) + vec4<u32>(0u, WIDE, 2u * WIDE, 3u * WIDE);
    let s = products(place, QUERY, first_query, KEY, first_key);
    let dp = products(place, UPSTREAM, first_query, VALUE, first_key);
    let ds = Patch(
      weigh(s.r0, q0.x, row, keys) * (dp.r0 - q0.y),
      weigh(s.r1, q1.x, row + 1u, keys) * (dp.r1 - q1.y),
      weigh(s.r2, q2.x, row + 2u, keys) * (dp.r2 - q2.y),
      weigh(s.r3, q3.x, row + 3u, keys) * (dp.r3 - q3.y),
    );
    dq = mix(place, ds, KEY, first_key, dq);
  }
  store(place, QUERY, row, dq, shape.scale);
}

// Weights of four queries against one key.
fn weigh_column(scores: vec4<f32>, log_sums_of: vec4<f32>, queries_of: vec4<u32>, key: u32) -> vec4<f32> {
  return select(vec4<f32>(), exp(scores * shape.scale - log_sums_of), vec4<u32>(key) <= queries_of);
}

// Dispatch: (ceil(context / ROWS), heads, samples).
@compute @workgroup_size(WIDE, TALL)
fn keys_values(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let place = Place(group.z, group.y, local.x, local.y, index);
  let first_key = group.x * TALL * 4u;
  let row = first_key + local.y * 4u;
  var dk = Patch();
  var dv = Patch();
  for (var first_query = first_key; first_query < shape.context; first_query += WIDE * 4u) {
    let columns = vec4<u32>(first_query + local.x) + vec4<u32>(0u, WIDE, 2u * WIDE, 3u * WIDE);
    let c0 = statistics(place, columns.x);
    let c1 = statistics(place, columns.y);
    let c2 = statistics(place, columns.z);
    let c3 = statistics(place, columns.w);
    let logs = vec4<f32>(c0.x, c1.x, c2.x, c3.x);
    let delta = vec4<f32>(c0.y, c1.y, c2.y, c3.y);
    let s = products(place, KEY, first_key, QUERY, first_query);
    let p = Patch(
      weigh_column(s.r0, logs, columns, row),
      weigh_column(s.r1, logs, columns, row + 1u),
      weigh_column(s.r2, logs, columns, row + 2u),
      weigh_column(s.r3, logs, columns, row + 3u),
    );
    dv = mix(place, p, UPSTREAM, first_query, dv);
    let dp = products(place, VALUE, first_key, UPSTREAM, first_query);
    let ds = Patch(p.r0 * (dp.r0 - delta), p.r1 * (dp.r1 - delta), p.r2 * (dp.r2 - delta), p.r3 * (dp.r3 - delta));
    dk = mix(place, ds, QUERY, first_query, dk);
  }
  store(place, KEY, row, dk, shape.scale);
  store(place, VALUE, row, dv, 1.0);
}
