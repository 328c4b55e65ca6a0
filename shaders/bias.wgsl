// The bias of a linear layer: added to every row (with the rectifier when asked for), and its gradient, the sum over rows.

struct Shape {
  // add: rows of the matrix; gradient: rows of one slice.
  rows: u32,
  columns: u32,
  // First element of the bias among the parameters (add) or among a slice's gradients (gradient).
  offset: u32,
  // gradient: elements from one slice's gradients to the next.
  batch: u32,
}

override RELU: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// add: the parameters; gradient: the gradient at the layer's output, [slices · rows, columns].
@group(0) @binding(1) var<storage, read> source: array<f32>;
// add: the layer's output, [rows, columns]; gradient: [slices, P].
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

// max(x, 0), except that NaN stays NaN, so that it reaches the loss and is flagged there. WGSL may assume that there is no NaN, so
// the bits are asked.
fn relu(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let keeps = bits < 0x80000000u || bits > 0xff800000u;
  return select(0.0, x, keeps);
}

// Dispatch: (x, y, 1) with 64 · x · y at least rows · columns.
@compute @workgroup_size(64)
fn add(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + index;
  if (i >= shape.rows * shape.columns) {
    return;
  }
  let x = destination[i] + source[shape.offset + i % shape.columns];
  destination[i] = select(x, relu(x), RELU);
}

// Dispatch: (ceil(columns / 64), 1, slices). Rows are added in ascending order.
@compute @workgroup_size(64)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let column = group.x * 64u + index;
  if (column >= shape.columns) {
    return;
  }
  let first = group.z * shape.rows;
  var sum = 0.0;
  for (var row = 0u; row < shape.rows; row++) {
    sum += source[(first + row) * shape.columns + column];
  }
  destination[group.z * shape.batch + shape.offset + column] = sum;
}
