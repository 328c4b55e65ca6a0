// Max and average pooling over square windows without padding, forward and backward.
//
// One invocation an output (forward) or an input (backward). Backward gathers: an input looks at the windows that it lies in, in
// ascending order, so that overlapping windows need no atomics. A maximum's gradient goes to the first of the largest, as in PyTorch.

struct Shape {
  // Planes: samples · channels.
  planes: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  kernel: u32,
  stride: u32,
}

override MAXIMUM: bool = false;
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// [planes, height, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;
// forward: [planes, out_height, out_width]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// backward: the same, then [planes, height, width]
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

// Where the first of the largest lies.
fn largest(plane: u32, top: u32, left: u32) -> u32 {
  var best = plane + top * shape.width + left;
  for (var y = 0u; y < shape.kernel; y++) {
    for (var x = 0u; x < shape.kernel; x++) {
      let at = plane + (top + y) * shape.width + left + x;
      if (input[at] > input[best]) {
        best = at;
      }
    }
  }
  return best;
}

// Dispatch: (x, y, 1) with 64 · x · y at least the elements of the output.
@compute @workgroup_size(64)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + index;
  let out_plane = shape.out_height * shape.out_width;
  if (i >= shape.planes * out_plane) {
    return;
  }
  let plane = i / out_plane * shape.height * shape.width;
  let top = i % out_plane / shape.out_width * shape.stride;
  let left = i % shape.out_width * shape.stride;
  if (MAXIMUM) {
    output[i] = input[largest(plane, top, left)];
    return;
  }
  var sum = 0.0;
  for (var y = 0u; y < shape.kernel; y++) {
    for (var x = 0u; x < shape.kernel; x++) {
      sum += input[plane + (top + y) * shape.width + left + x];
    }
  }
  output[i] = sum / f32(shape.kernel * shape.kernel);
}

// The first window along one side that a place lies in.
fn first_window(place: u32) -> u32 {
  return select((place + shape.stride - shape.kernel) / shape.stride, 0u, place < shape.kernel);
}

// Dispatch: (x, y, 1) with 64 · x · y at least the elements of the input.
@compute @workgroup_size(64)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + index;
  let area = shape.height * shape.width;
  if (i >= shape.planes * area) {
    return;
  }
  let number = i / area;
  let y = i % area / shape.width;
  let x = i % shape.width;
  var sum = 0.0;
  for (var row = first_window(y); row < shape.out_height && row * shape.stride <= y; row++) {
    for (var column = first_window(x); column < shape.out_width && column * shape.stride <= x; column++) {
      // Windows may leave gaps when the stride is longer than the kernel.
      if (y - row * shape.stride >= shape.kernel || x - column * shape.stride >= shape.kernel) {
        continue;
      }
      let g = upstream[(number * shape.out_height + row) * shape.out_width + column];
      if (MAXIMUM) {
        sum += select(0.0, g, largest(number * area, row * shape.stride, column * shape.stride) == i);
      } else {
        sum += g / f32(shape.kernel * shape.kernel);
      }
    }
  }
  if (ACCUMULATE) { gradient[i] += sum; } else { gradient[i] = sum; }
}
