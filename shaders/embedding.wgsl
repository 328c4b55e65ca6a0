// Token and position embeddings: rows of a table, and the gradients of the tables.
//
// `forward` and `add_positions` take four elements an invocation, as activation.wgsl. `gradient` gives a row of the token table and 64
// of its columns to a workgroup, for each slice: it looks through the slice's tokens 64 at a time, marks which are its own in two words
// of bits (an integer "or", whose order shows nowhere), and every invocation adds the marked rows to its column in ascending order.
// No float atomics, no sorting, and a row that does not occur costs one look at the tokens. `position_gradient` adds over samples.

struct Shape {
  // forward and add_positions: elements in all. gradient: rows of a slice.
  length: u32,
  width: u32,
  // Offset of the table in the parameters.
  table: u32,
  // gradient: vocabulary; positions: context.
  entries: u32,
  // gradient: workgroups across the columns, and floats from one slice's gradients to the next.
  blocks: u32,
  batch: u32,
  // position_gradient: samples of a slice.
  samples: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// forward: [rows] token numbers, the table, and [rows, width]
@group(0) @binding(1) var<storage, read> tokens: array<i32>;
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
// add_positions: [samples, context, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;
// gradient: [rows, width] and [slices, batch]
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
// position_gradient: [samples, context, width] and [slices, batch]
@group(0) @binding(2) var<storage, read_write> position_gradients: array<f32>;

const INVOCATIONS = 64u;
const EACH = 4u;

fn first_element(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
  return (group.y * groups.x + group.x) * INVOCATIONS * EACH + index;
}

// Dispatch: (x, y, 1) with 256 · x · y at least `length`.
@compute @workgroup_size(INVOCATIONS)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var i = first_element(group, groups, index);
  for (var each = 0u; each < EACH && i < shape.length; each++) {
    let token = u32(tokens[i / shape.width]);
    output[i] = parameters[shape.table + token * shape.width + i % shape.width];
    i += INVOCATIONS;
  }
}

// Dispatch: as forward.
@compute @workgroup_size(INVOCATIONS)
fn add_positions(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var i = first_element(group, groups, index);
  for (var each = 0u; each < EACH && i < shape.length; each++) {
    output[i] = input[i] + parameters[shape.table + i % (shape.entries * shape.width)];
    i += INVOCATIONS;
  }
}

var<workgroup> marks: array<atomic<u32>, 2>;

// Dispatch: (x, y, blocks · slices) with x · y at least the vocabulary.
@compute @workgroup_size(INVOCATIONS)
fn gradient(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let entry = group.y * groups.x + group.x;
  if (entry >= shape.entries) {
    return;
  }
  let slice = group.z / shape.blocks;
  let column = (group.z % shape.blocks) * INVOCATIONS + index;
  let first = slice * shape.length;
  var sum = 0.0;
  for (var start = 0u; start < shape.length; start += INVOCATIONS) {
    let row = start + index;
    if (row < shape.length && u32(tokens[first + row]) == entry) {
      atomicOr(&marks[index / 32u], 1u << (index % 32u));
    }
    workgroupBarrier();
    for (var word = 0u; word < 2u; word++) {
      var bits = atomicLoad(&marks[word]);
      while (bits != 0u) {
        let marked = first + start + word * 32u + countTrailingZeros(bits);
        bits &= bits - 1u;
        if (column < shape.width) {
          sum += upstream[marked * shape.width + column];
        }
      }
    }
    workgroupBarrier();
    if (index < 2u) {
      atomicStore(&marks[index], 0u);
    }
    workgroupBarrier();
  }
  if (column < shape.width) {
    let to = slice * shape.batch + shape.table + entry * shape.width + column;
    if (ACCUMULATE) { gradients[to] += sum; } else { gradients[to] = sum; }
  }
}

// Dispatch: (x, y, slices) with 64 · x · y at least context · width. Samples are added in ascending order.
@compute @workgroup_size(INVOCATIONS)
fn position_gradient(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * INVOCATIONS + index;
  let length = shape.entries * shape.width;
  if (i >= length) {
    return;
  }
  let first = group.z * shape.samples;
  var sum = 0.0;
  for (var sample = first; sample < first + shape.samples; sample++) {
    sum += input[sample * length + i];
  }
  let to = group.z * shape.batch + shape.table + i;
  if (ACCUMULATE) { position_gradients[to] += sum; } else { position_gradients[to] = sum; }
}
