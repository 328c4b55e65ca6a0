// Adds up the partial products of a matrix product whose sum was split, in the order of the splits, so that the bits do not depend on
// who was ready first.
//
// One invocation an element; consecutive invocations take consecutive elements. Dispatch: (columns, batches, rows) of workgroups, with
// columns · rows of at least ceil(m · n / 64): one dimension is not long enough for large products.

struct Shape {
  m: u32,
  n: u32,
  splits: u32,
  c_offset: u32,
  c_batch: u32,
  c_stride: u32,
  // Where the bias begins in B's buffer.
  bias: u32,
}

override BIAS: bool = false;
// Whether the product is added to what C holds.
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// f32[batch][split][m][n]
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(64)
fn add_splits(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let size = shape.m * shape.n;
  let element = id.z * groups.x * 64u + id.x;
  if (element >= size) {
    return;
  }
  let base = id.y * shape.splits * size + element;
  var sum = partial[base];
  for (var split = 1u; split < shape.splits; split++) {
    sum += partial[base + split * size];
  }
  let row = element / shape.n;
  let column = element % shape.n;
  let at = shape.c_offset + id.y * shape.c_batch + row * shape.c_stride + column;
  if (BIAS) { sum += b[shape.bias + column]; }
  if (ACCUMULATE) { sum += c[at]; }
  c[at] = sum;
}
