// One AdamW update from the reduced lanes (PyTorch's definition; see src/engine/cpu/adamw.ts, its twin in portable arithmetic).
//
// Tiling: a block of up to 1024 elements of one tensor a workgroup of 64, so that a scale is read once and every load is one run of memory.

// The numbers of one step, computed once on the CPU from agreed values.
struct Constants {
  beta1: f32,
  beta2: f32,
  // 1 − β₁ and 1 − β₂
  rest1: f32,
  rest2: f32,
  // 1 − lr · weight decay
  decay: f32,
  // lr / (1 − β₁^step)
  step_size: f32,
  // √(1 − β₂^step)
  root_correction: f32,
  epsilon: f32,
  // The gradient is multiplied by this: 1, or less when it is clipped.
  clip: f32,
}

// As in fixed_point.wgsl.
struct Tensor {
  quantise: f32,
  limit: u32,
  dequantise: f32,
  padding: u32,
}

struct Block {
  first: u32,
  length: u32,
  tensor: u32,
  padding: u32,
}

@group(0) @binding(0) var<uniform> constants: Constants;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read> tensors: array<Tensor>;
// [P], all of them
@group(0) @binding(3) var<storage, read> lanes: array<i32>;
@group(0) @binding(4) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_moments: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_moments: array<f32>;

// Dispatch: (x, y, 1) with x · y at least the blocks.
@compute @workgroup_size(64)
fn adamw(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let number = group.y * groups.x + group.x;
  if (number >= arrayLength(&blocks)) {
    return;
  }
  let block = blocks[number];
  let scale = tensors[block.tensor].dequantise * constants.clip;
  for (var i = block.first + index; i < block.first + block.length; i += 64u) {
    let g = f32(lanes[i]) * scale;
    let m = constants.beta1 * first_moments[i] + constants.rest1 * g;
    let v = constants.beta2 * second_moments[i] + constants.rest2 * g * g;
    let denominator = sqrt(v) / constants.root_correction + constants.epsilon;
    first_moments[i] = m;
    second_moments[i] = v;
    parameters[i] = parameters[i] * constants.decay - constants.step_size * m / denominator;
  }
}
