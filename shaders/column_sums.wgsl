// Sums over the rows of each slice, column by column: the gradient of a bias, and the second half of that of a layer norm.
//
// Two stages, so that tall matrices keep the GPU busy and the order of the sum stays fixed. `partial`: a workgroup of 64 takes 64
// columns of one chunk of rows and adds them in ascending order, each invocation its own column, so that a row is read in one run.
// `finish` adds the chunks in ascending order. The length of a chunk hangs on the slice alone, never on how many slices a pass has.
//
// A slice of up to 8 chunks takes one stage in the same order: `whole` gives 16 columns of all of them to a workgroup of 16 by 8, and
// adds the chunks up in workgroup memory. That saves a launch, which is most of what a small model's sum costs.

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

const WHOLE_COLUMNS = 16u;
const WHOLE_CHUNKS = 8u;
var<workgroup> chunk_sums: array<f32, WHOLE_COLUMNS * WHOLE_CHUNKS>;

// The rows of a slice, into the slice's sums. Dispatch: (ceil(columns / 16), 1, slices); at most 8 chunks.
@compute @workgroup_size(WHOLE_COLUMNS, WHOLE_CHUNKS)
fn whole(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
  let column = group.x * WHOLE_COLUMNS + id.x;
  var sum = 0.0;
  if (column < shape.columns) {
    let first = id.y * shape.chunk;
    let end = min(first + shape.chunk, shape.rows);
    var at = (group.z * shape.rows + first) * shape.columns + column;
    for (var row = first; row < end; row++) {
      sum += source[at];
      at += shape.columns;
    }
  }
  chunk_sums[id.y * WHOLE_COLUMNS + id.x] = sum;
  workgroupBarrier();
  if (id.y > 0u || column >= shape.columns) {
    return;
  }
  var total = 0.0;
  for (var chunk = 0u; chunk < shape.chunks; chunk++) {
    total += chunk_sums[chunk * WHOLE_COLUMNS + id.x];
  }
  let to = group.z * shape.batch + shape.offset + column;
  if (ACCUMULATE) { sums[to] += total; } else { sums[to] = total; }
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
