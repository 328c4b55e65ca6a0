// The sums of the squares of the reduced lanes, block by block, exactly: what clipping by global norm needs of a gradient that stays on
// the GPU (see src/engine/cpu/clip.ts, which adds the blocks of a tensor up).
//
// Tiling: a block of up to 1024 elements of one tensor a workgroup of 64, as in fixed_point.wgsl. Sums are whole numbers of three words
// (1024 squares of 31 bits take 72 bits), so that their order does not show.

// As in fixed_point.wgsl.
struct Block {
  first: u32,
  length: u32,
  tensor: u32,
  padding: u32,
}

@group(0) @binding(1) var<storage, read> blocks: array<Block>;
// [P]
@group(0) @binding(2) var<storage, read> lanes: array<i32>;
// [blocks]: the words of each sum, the lowest first, and zero
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<u32>>;

var<workgroup> partial: array<vec3<u32>, 64>;

// The square of a magnitude, of which two words are not zero.
fn square(magnitude: u32) -> vec3<u32> {
  let low = magnitude & 0xffffu;
  let high = magnitude >> 16u;
  let middle = low * high;
  // magnitude² = high² · 2^32 + middle · 2^17 + low²
  let lowest = low * low;
  let word = lowest + (middle << 17u);
  return vec3<u32>(word, high * high + (middle >> 15u) + select(0u, 1u, word < lowest), 0u);
}

fn add(a: vec3<u32>, b: vec3<u32>) -> vec3<u32> {
  let low = a.x + b.x;
  let carry = select(0u, 1u, low < a.x);
  let middle = a.y + b.y;
  let with_carry = middle + carry;
  let carries = select(0u, 1u, middle < a.y) + select(0u, 1u, with_carry < middle);
  return vec3<u32>(low, with_carry, a.z + b.z + carries);
}

// Dispatch: (x, y, 1) with x · y at least the blocks.
@compute @workgroup_size(64)
fn squares(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let number = group.y * groups.x + group.x;
  if (number >= arrayLength(&blocks)) {
    return;
  }
  let block = blocks[number];
  var sum = vec3<u32>();
  for (var i = block.first + index; i < block.first + block.length; i += 64u) {
    sum = add(sum, square(u32(abs(lanes[i]))));
  }
  partial[index] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      partial[index] = add(partial[index], partial[index + half]);
    }
    workgroupBarrier();
  }
  if (index == 0u) {
    sums[number] = vec4<u32>(partial[0], 0u);
  }
}
