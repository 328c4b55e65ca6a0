// Layer norm over the last dimension: y = (x − mean) / √(variance + ε) · weight + bias.
//
// Tiling: forward and backward give a row to a workgroup of 64; invocation i adds elements i, i + 64, … and the 64 sums are folded in
// halves, an order that hangs on the width alone. The variance comes from a second walk over the row (x − mean, no cancellation),
// which the caches serve. Forward keeps mean and 1/σ of each row, so that backward walks the row twice and not four times.
// `parameter_sums` is a column sum over chunks of rows like column_sums.wgsl, whose `finish` follows it; a slice of up to 8 chunks takes
// one stage in the same order, `whole_parameter_sums`.

struct Shape {
  rows: u32,
  width: u32,
  epsilon: f32,
  // Offsets in the parameters.
  weight: u32,
  bias: u32,
  // parameter_sums: rows of one slice, and of one chunk.
  slice_rows: u32,
  chunk: u32,
  // whole_parameter_sums: floats from one slice's sums to the next.
  batch: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// [rows, width]
// [rows, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;

// forward: all of the model's parameters, [rows, width], and [rows] of mean and 1/σ
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<storage, read_write> kept: array<vec2<f32>>;

// backward and parameter_sums: dy, and what forward kept
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read> statistics: array<vec2<f32>>;
// backward: all of the model's parameters, and [rows, width]
@group(0) @binding(4) var<storage, read> scales: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
// parameter_sums: [slices, chunks, 2 · width], first those of the weight, then those of the bias;
// whole_parameter_sums: [slices, P]
@group(0) @binding(4) var<storage, read_write> partial_sums: array<f32>;

var<workgroup> sums: array<vec2<f32>, 64>;

// The 64 sums, folded in halves. Ends with a barrier, so that it can be called again.
fn fold(index: u32, mine: vec2<f32>) -> vec2<f32> {
  sums[index] = mine;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      sums[index] += sums[index + half];
    }
    workgroupBarrier();
  }
  let total = sums[0];
  workgroupBarrier();
  return total;
}

// Dispatch: (x, y, 1) with x · y at least rows.
@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= shape.rows) {
    return;
  }
  let start = row * shape.width;
  let width = f32(shape.width);
  var sum = 0.0;
  for (var i = index; i < shape.width; i += 64u) {
    sum += input[start + i];
  }
  let mean = fold(index, vec2<f32>(sum, 0.0)).x / width;
  var squares = 0.0;
  for (var i = index; i < shape.width; i += 64u) {
    let d = input[start + i] - mean;
    squares += d * d;
  }
  let inverse = 1.0 / sqrt(fold(index, vec2<f32>(squares, 0.0)).x / width + shape.epsilon);
  for (var i = index; i < shape.width; i += 64u) {
    let normal = (input[start + i] - mean) * inverse;
    output[start + i] = normal * parameters[shape.weight + i] + parameters[shape.bias + i];
  }
  if (index == 0u) {
    kept[row] = vec2<f32>(mean, inverse);
  }
}

// dx = (g − mean(g) − n · mean(g · n)) / σ with g = dy · weight and n the normalised row. Dispatch: as forward.
@compute @workgroup_size(64)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= shape.rows) {
    return;
  }
  let start = row * shape.width;
  let mean = statistics[row].x;
  let inverse = statistics[row].y;
  var sum = vec2<f32>();
  for (var i = index; i < shape.width; i += 64u) {
    let g = upstream[start + i] * scales[shape.weight + i];
    sum += vec2<f32>(g, g * (input[start + i] - mean) * inverse);
  }
  let means = fold(index, sum) / f32(shape.width);
  for (var i = index; i < shape.width; i += 64u) {
    let g = upstream[start + i] * scales[shape.weight + i];
    let normal = (input[start + i] - mean) * inverse;
    let dx = (g - means.x - normal * means.y) * inverse;
    if (ACCUMULATE) { gradient[start + i] += dx; } else { gradient[start + i] = dx; }
  }
}

// Over the rows of a chunk, of one column: dy · n for the weight, and dy for the bias.
fn chunk_sums(slice: u32, chunk: u32, column: u32) -> vec2<f32> {
  let first = chunk * shape.chunk;
  let end = min(first + shape.chunk, shape.slice_rows);
  var sum = vec2<f32>();
  for (var i = first; i < end; i++) {
    let row = slice * shape.slice_rows + i;
    let g = upstream[row * shape.width + column];
    let kept_row = statistics[row];
    sum.x += g * (input[row * shape.width + column] - kept_row.x) * kept_row.y;
    sum.y += g;
  }
  return sum;
}

const WHOLE_COLUMNS = 16u;
const WHOLE_CHUNKS = 8u;
var<workgroup> whole_sums: array<vec2<f32>, WHOLE_COLUMNS * WHOLE_CHUNKS>;

// As `whole` in column_sums.wgsl, into the gradients of weight and bias. Dispatch: (ceil(width / 16), 1, slices); at most 8 chunks.
@compute @workgroup_size(WHOLE_COLUMNS, WHOLE_CHUNKS)
fn whole_parameter_sums(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) id: vec3<u32>,
) {
  let column = group.x * WHOLE_COLUMNS + id.x;
  var sum = vec2<f32>();
  if (column < shape.width) {
    sum = chunk_sums(group.z, id.y, column);
  }
  whole_sums[id.y * WHOLE_COLUMNS + id.x] = sum;
  workgroupBarrier();
  if (id.y > 0u || column >= shape.width) {
    return;
  }
  var total = vec2<f32>();
  for (var chunk = 0u; chunk * shape.chunk < shape.slice_rows; chunk++) {
    total += whole_sums[chunk * WHOLE_COLUMNS + id.x];
  }
  let to = group.z * shape.batch + column;
  if (ACCUMULATE) {
    partial_sums[to + shape.weight] += total.x;
    partial_sums[to + shape.bias] += total.y;
  } else {
    partial_sums[to + shape.weight] = total.x;
    partial_sums[to + shape.bias] = total.y;
  }
}

// Dispatch: (ceil(width / 64), chunks, slices).
@compute @workgroup_size(64)
fn parameter_sums(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let column = group.x * 64u + index;
  if (column >= shape.width) {
    return;
  }
  let sum = chunk_sums(group.z, group.y, column);
  let to = (group.z * groups.y + group.y) * 2u * shape.width + column;
  partial_sums[to] = sum.x;
  partial_sums[to + shape.width] = sum.y;
}
