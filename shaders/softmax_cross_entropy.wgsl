// The loss: cross-entropy of softmax(logits) against class numbers, its gradient, and the loss in fixed point.
//
// One invocation a row. Exponents are taken relative to the row's largest logit, so that none overflows. Integer sums do not
// depend on the order of the atomics.

struct Shape {
  rows: u32,
  classes: u32,
  // 1 / global batch: the gradient is that of the mean over the whole batch.
  weight: f32,
  // A loss joins the sum as round(loss · loss_scale), limited to ± loss_limit.
  loss_scale: f32,
  loss_limit: f32,
}

// The side lanes that this kernel adds to, in the order of the step's lanes (see src/collective/lanes.ts).
struct Side {
  loss: atomic<i32>,
  correct: atomic<i32>,
  samples: atomic<i32>,
  overflows: atomic<i32>,
  non_finite: atomic<i32>,
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

// Dispatch: (ceil(rows / 64), 1, 1).
@compute @workgroup_size(64)
fn softmax_cross_entropy(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x;
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
  let loss = log(sum) - (logits[start + u32(label)] - largest);
  losses[row] = loss;

  if ((bitcast<u32>(loss) & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&side.non_finite, 1);
  } else {
    atomicAdd(&side.loss, i32(clamp(round(loss * shape.loss_scale), -shape.loss_limit, shape.loss_limit)));
  }
  if (guess == u32(label)) {
    atomicAdd(&side.correct, 1);
  }
}
