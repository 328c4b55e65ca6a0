// Sums over the rows of each slice, column by column: the gradient of a bias, and the second half of that of a layer norm.
//
// Two stages, so that tall matrices keep the GPU busy and the order of the sum stays fixed. `partial`: a workgroup of 64 takes 64
// columns of one chunk of rows and adds them in ascending order, each invocation its own column, so that a row is read in one run.
// `finish` adds the chunks in ascending order. The length of a chunk hangs on the slice alone, never on how many slices a pass has.

struct Shape {
  // Rows of one slice, and rows of one chunk.
  rows: u32,
  chunk: u32,
  columns: u32,
  // finish: columns of a chunk's row of partial sums, and the first of them to take.
  stride: u32,
  first: u32,
  // finish: chunks of a slice; where a slice's sums go: offset, and floats from one slice to the next.
  chunks: u32,
  offset: u32,
  batch: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// partial: [slices · rows, columns]; finish: [slices, chunks, stride].
@group(0) @binding(1) var<storage, read> source: array<f32>;
// partial: [slices, chunks, columns]; finish: [slices, batch].
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

// Dispatch: (ceil(columns / 64), chunks, slices).
@compute @workgroup_size(64)
fn partial_sums(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let column = group.x * 64u + index;
  if (column >= shape.columns) {
    return;
  }
  let first = group.y * shape.chunk;
  let end = min(first + shape.chunk, shape.rows);
  var at = (group.z * shape.rows + first) * shape.columns + column;
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    sum += source[at];
    at += shape.columns;
  }
  sums[(group.z * groups.y + group.y) * shape.columns + column] = sum;
}

// Dispatch: (ceil(columns / 64), 1, slices).
@compute @workgroup_size(64)
fn finish(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let column = group.x * 64u + index;
  if (column >= shape.columns) {
    return;
  }
  var at = group.z * shape.chunks * shape.stride + shape.first + column;
  var sum = 0.0;
  for (var chunk = 0u; chunk < shape.chunks; chunk++) {
    sum += source[at];
    at += shape.stride;
  }
  let to = group.z * shape.batch + shape.offset + column;
  if (ACCUMULATE) { sums[to] += sum; } else { sums[to] = sum; }
}
