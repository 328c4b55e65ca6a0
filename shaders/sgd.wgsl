// One update by stochastic gradient descent with momentum, from the reduced lanes (torch.optim.SGD; see src/engine/cpu, its twin in
// portable arithmetic).
//
// Tiling: as adamw.wgsl, a block of one tensor's elements a workgroup.

// The numbers of one step, computed once on the CPU from agreed values.
struct Constants {
  // Learning rate of this step.
  rate: f32,
  momentum: f32,
  weight_decay: f32,
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
// The momentum buffer.
@group(0) @binding(5) var<storage, read_write> first_moments: array<f32>;

// Dispatch: (x, y, 1) with x · y at least the blocks.
@compute @workgroup_size(64)
fn sgd(
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
    let p = parameters[i];
    let g = f32(lanes[i]) * scale + constants.weight_decay * p;
    let m = constants.momentum * first_moments[i] + g;
    first_moments[i] = m;
    parameters[i] = p - constants.rate * m;
  }
}
