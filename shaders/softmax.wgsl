// Softmax over the last dimension, standing alone. (Attention and the loss have their own, fused.)
//
// Tiling: a row a workgroup of 64, whose invocations take every 64th element and fold maxima and sums in halves.

struct Shape {
  rows: u32,
  width: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// forward: x, then y; [rows, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// backward: y, dy, then dx
@group(0) @binding(1) var<storage, read> result: array<f32>;
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

var<workgroup> values: array<f32, 64>;

fn fold_sum(index: u32, mine: f32) -> f32 {
  values[index] = mine;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      values[index] += values[index + half];
    }
    workgroupBarrier();
  }
  let total = values[0];
  workgroupBarrier();
  return total;
}

fn fold_max(index: u32, mine: f32) -> f32 {
  values[index] = mine;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      values[index] = max(values[index], values[index + half]);
    }
    workgroupBarrier();
  }
  let largest = values[0];
  workgroupBarrier();
  return largest;
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
  var mine = input[start + min(index, shape.width - 1u)];
  for (var i = index + 64u; i < shape.width; i += 64u) {
    mine = max(mine, input[start + i]);
  }
  let largest = fold_max(index, mine);
  var sum = 0.0;
  for (var i = index; i < shape.width; i += 64u) {
    sum += exp(input[start + i] - largest);
  }
  sum = fold_sum(index, sum);
  for (var i = index; i < shape.width; i += 64u) {
    output[start + i] = exp(input[start + i] - largest) / sum;
  }
}

// dx = y (dy − Σ y dy). Dispatch: as forward.
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
  var sum = 0.0;
  for (var i = index; i < shape.width; i += 64u) {
    sum += result[start + i] * upstream[start + i];
  }
  let product = fold_sum(index, sum);
  for (var i = index; i < shape.width; i += 64u) {
    let dx = result[start + i] * (upstream[start + i] - product);
    if (ACCUMULATE) { gradient[start + i] += dx; } else { gradient[start + i] = dx; }
  }
}
