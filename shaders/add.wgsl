// The sum of two values (a residual connection), and a gradient added to another.
//
// Tiling: as activation.wgsl, four elements an invocation, 64 apart.

struct Shape {
  length: u32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;
// sum: the other summand, and where the sum goes.
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> total: array<f32>;
// pass: what `a` is copied or added to.
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

override ACCUMULATE: bool = false;

const INVOCATIONS = 64u;
const EACH = 4u;

fn first_element(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
  return (group.y * groups.x + group.x) * INVOCATIONS * EACH + index;
}

// total = a + b. Dispatch: (x, y, 1) with 256 · x · y at least `length`.
@compute @workgroup_size(INVOCATIONS)
fn sum(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var i = first_element(group, groups, index);
  for (var each = 0u; each < EACH && i < shape.length; each++) {
    total[i] = a[i] + b[i];
    i += INVOCATIONS;
  }
}

// destination = a, or destination += a. Dispatch: as sum.
@compute @workgroup_size(INVOCATIONS)
fn pass_on(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var i = first_element(group, groups, index);
  for (var each = 0u; each < EACH && i < shape.length; each++) {
    if (ACCUMULATE) { destination[i] += a[i]; } else { destination[i] = a[i]; }
    i += INVOCATIONS;
  }
}
