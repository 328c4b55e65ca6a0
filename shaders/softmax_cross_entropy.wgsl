// The loss: cross-entropy of softmax(logits) against class numbers, its gradient, and the loss of each slice in fixed point.
//
// Tiling: with few classes a row is one invocation's (`narrow`); with many it is a workgroup's of 64 (`wide`), whose invocations take
// every 64th class and fold their maxima and sums in halves. Exponents are taken relative to the row's largest logit, so that none
// overflows. `slice_losses` then adds a slice's losses in a fixed order and rounds once. Integer atomics alone: no order shows.

struct Shape {
  // narrow and wide: rows of the pass; slice_losses: rows of one slice.
  rows: u32,
  classes: u32,
  // 1 / (global batch · positions): the gradient is that of the mean over the whole batch.
  weight: f32,
  // A slice's loss joins the sum as round(loss · loss_scale), limited to ± loss_limit.
  loss_scale: f32,
  loss_limit: f32,
  // T
  tensors: u32,
}

// M
override MICRO_BATCHES: u32 = 1;

// The side lanes that these kernels add to, in the order of the step's lanes (see src/collective/lanes.ts).
struct Side {
  loss: atomic<i32>,
  correct: atomic<i32>,
  samples: atomic<i32>,
  overflows: atomic<i32>,
  non_finite: atomic<i32>,
  // M micro-batch counters, the largest biased exponent of each tensor, and where the first number that is not finite was seen.
  rest: array<atomic<i32>>,
}

@group(0) @binding(0) var<uniform> shape: Shape;
// [rows, classes]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// [rows]: class numbers, or −1 for a row that only fills up its slice.
@group(0) @binding(2) var<storage, read> labels: array<i32>;
// [rows, classes]
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;
// [rows]
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;
@group(0) @binding(5) var<storage, read_write> side: Side;

// slice_losses: what narrow or wide gave, the micro-batch of each slice, and the lanes.
@group(0) @binding(1) var<storage, read> row_losses: array<f32>;
@group(0) @binding(2) var<storage, read> micro_batches: array<u32>;
@group(0) @binding(3) var<storage, read_write> lanes: Side;

// Dispatch: (x, y, 1) with 64 · x · y at least rows.
@compute @workgroup_size(64)
fn narrow(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = (group.y * groups.x + group.x) * 64u + index;
  if (row >= shape.rows) {
    return;
  }
  let start = row * shape.classes;
  let label = labels[row];
  if (label < 0) {
    for (var j = 0u; j < shape.classes; j++) {
      gradient[start + j] = 0.0;
    }
    losses[row] = 0.0;
    return;
  }

  // The first of the largest.
  var guess = 0u;
  var largest = logits[start];
  for (var j = 1u; j < shape.classes; j++) {
    if (logits[start + j] > largest) {
      guess = j;
      largest = logits[start + j];
    }
  }
  var sum = 0.0;
  for (var j = 0u; j < shape.classes; j++) {
    sum += exp(logits[start + j] - largest);
  }
  for (var j = 0u; j < shape.classes; j++) {
    let probability = exp(logits[start + j] - largest) / sum;
    gradient[start + j] = (probability - select(0.0, 1.0, j == u32(label))) * shape.weight;
  }
  losses[row] = log(sum) - (logits[start + u32(label)] - largest);
  if (guess == u32(label)) {
    atomicAdd(&side.correct, 1);
  }
}

var<workgroup> values: array<f32, 64>;
var<workgroup> places: array<u32, 64>;

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

// Dispatch: (x, y, 1) with x · y at least rows.
@compute @workgroup_size(64)
fn wide(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= shape.rows) {
    return;
  }
  let start = row * shape.classes;
  let label = labels[row];
  let marked = label >= 0;
  // The first of the largest: of equals the lower place wins, in each invocation and in the folding.
  var guess = min(index, shape.classes - 1u);
  var largest = logits[start + guess];
  for (var j = index + 64u; j < shape.classes; j += 64u) {
    let x = logits[start + j];
    if (x > largest) {
      guess = j;
      largest = x;
    }
  }
  values[index] = largest;
  places[index] = guess;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      let other = values[index + half];
      let place = places[index + half];
      if (other > values[index] || (other == values[index] && place < places[index])) {
        values[index] = other;
        places[index] = place;
      }
    }
    workgroupBarrier();
  }
  largest = values[0];
  guess = places[0];
  workgroupBarrier();

  var sum = 0.0;
  for (var j = index; j < shape.classes; j += 64u) {
    sum += exp(logits[start + j] - largest);
  }
  sum = fold_sum(index, sum);
  for (var j = index; j < shape.classes; j += 64u) {
    let probability = exp(logits[start + j] - largest) / sum;
    let g = (probability - select(0.0, 1.0, i32(j) == label)) * shape.weight;
    gradient[start + j] = select(0.0, g, marked);
  }
  if (index == 0u) {
    if (marked) {
      losses[row] = log(sum) - (logits[start + u32(label)] - largest);
      if (guess == u32(label)) {
        atomicAdd(&side.correct, 1);
      }
    } else {
      losses[row] = 0.0;
    }
  }
}

// Invocation i adds rows i, i + 64, …; the 64 sums are folded in halves. Dispatch: (1, 1, slices).
@compute @workgroup_size(64)
fn slice_losses(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let first = group.z * shape.rows;
  var sum = 0.0;
  for (var row = index; row < shape.rows; row += 64u) {
    sum += row_losses[first + row];
  }
  let loss = fold_sum(index, sum);
  if (index != 0u) {
    return;
  }
  if ((bitcast<u32>(loss) & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&lanes.non_finite, 1);
    // The loss counts as the tensor after the last (nonFiniteCode in src/collective/lanes.ts).
    let code = (MICRO_BATCHES - 1u - micro_batches[group.z]) * (shape.tensors + 1u) + 1u;
    atomicMax(&lanes.rest[MICRO_BATCHES + shape.tensors], i32(code));
  } else {
    atomicAdd(&lanes.loss, i32(clamp(round(loss * shape.loss_scale), -shape.loss_limit, shape.loss_limit)));
  }
}
