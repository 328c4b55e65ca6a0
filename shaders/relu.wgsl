// The rectifier's gradient, in place: it passes where the output is above zero. (Forward is fused into bias.wgsl.)

struct Shape {
  // Elements of the matrix.
  length: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> output: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

// Dispatch: (x, y, 1) with 64 · x · y at least `length`.
@compute @workgroup_size(64)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + index;
  if (i < shape.length) {
    gradient[i] = select(0.0, gradient[i], output[i] > 0.0);
  }
}
