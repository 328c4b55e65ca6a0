// Gradients into integer lanes: quantises every slice of a pass alone and adds it to the step's lanes.
//
// What is finite, and what fits, is asked of the bits: WGSL may assume that NaN and infinities do not occur. An element joins the
// sum as round-half-even(g · 2^(k − e)), which is exact in f32, so that the same gradient gives the same integer everywhere. In the
// narrow wire format it is rounded stochastically (see src/collective/stochastic-rounding.ts), which is exact too.
//
// Tiling: a block of up to 1024 elements of one tensor a workgroup of 64, so that scales are read once and every load is one run of
// memory. An invocation adds all slices of its elements, so that lanes are read and written once a pass.

struct Work {
  slices: u32,
  // P: elements from one slice's gradients to the next.
  length: u32,
  // T
  tensors: u32,
  // The blocks to work on.
  first_block: u32,
  blocks: u32,
}

struct Tensor {
  // 2^(k − e)
  quantise: f32,
  // Biased f32 exponent from which an element overflows: e + 127.
  limit: u32,
  // 2^(e − k): used by the update, see adamw.wgsl.
  dequantise: f32,
  padding: u32,
}

// A run of elements of one tensor: what one workgroup works on.
struct Block {
  first: u32,
  length: u32,
  tensor: u32,
  padding: u32,
}

struct Side {
  loss: atomic<i32>,
  correct: atomic<i32>,
  samples: atomic<i32>,
  overflows: atomic<i32>,
  non_finite: atomic<i32>,
  // M micro-batch counters, the largest biased exponent of each tensor, and where the first number that is not finite was seen.
  rest: array<atomic<i32>>,
}

// M
override MICRO_BATCHES: u32 = 1;
// From this biased exponent on no scale fits, and an element counts as non-finite (MAX_EXPONENT + 127).
override UNSCALABLE: u32 = 191;
// Narrow wire format: the largest integer that an element may become. 0: elements are rounded to the nearest.
override LARGEST: i32 = 0;

@group(0) @binding(0) var<uniform> work: Work;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read> tensors: array<Tensor>;
// [slices]: the micro-batch of each
@group(0) @binding(3) var<storage, read> micro_batches: array<u32>;
// [slices, P], as bits
@group(0) @binding(4) var<storage, read> gradients: array<u32>;
// [slices]
@group(0) @binding(5) var<storage, read> keys: array<vec2<u32>>;
// [P]
@group(0) @binding(6) var<storage, read_write> lanes: array<i32>;
@group(0) @binding(7) var<storage, read_write> side: Side;

var<workgroup> largest: atomic<u32>;
var<workgroup> overflows: atomic<i32>;
var<workgroup> non_finite: atomic<i32>;
var<workgroup> first: atomic<u32>;

// What names a tensor of a micro-batch: the larger, the earlier (nonFiniteCode in src/collective/lanes.ts).
fn code(micro_batch: u32, tensor: u32) -> u32 {
  return (MICRO_BATCHES - 1u - micro_batch) * (work.tensors + 1u) + work.tensors - tensor + 1u;
}

// mix32 in src/collective/digest.ts.
fn mix32(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}

fn quantise(x: f32, key: vec2<u32>, element: u32) -> i32 {
  if (LARGEST == 0) {
    return i32(round(x));
  }
  let magnitude = abs(x);
  let whole = floor(magnitude);
  let draw = mix32(mix32(element * 0x9e3779b1u + key.x) ^ key.y) >> 8u;
  let up = draw < u32((magnitude - whole) * 16777216.0);
  let rounded = min(i32(whole) + select(0, 1, up), LARGEST);
  return select(rounded, -rounded, x < 0.0);
}

// Dispatch: (x, y, 1) with x · y at least the blocks.
@compute @workgroup_size(64)
fn accumulate(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let number = group.y * groups.x + group.x;
  if (number >= work.blocks) {
    return;
  }
  let block = blocks[work.first_block + number];
  let tensor = tensors[block.tensor];
  var my_largest = 0u;
  var my_overflows = 0;
  var my_non_finite = 0;
  var my_first = 0u;

  for (var i = block.first + index; i < block.first + block.length; i += 64u) {
    var sum = lanes[i];
    for (var slice = 0u; slice < work.slices; slice++) {
      let bits = gradients[slice * work.length + i];
      let exponent = (bits >> 23u) & 0xffu;
      let scalable = exponent < UNSCALABLE;
      let fits = exponent < tensor.limit;
      my_largest = max(my_largest, select(0u, exponent, scalable));
      my_overflows += select(0, 1, scalable && !fits);
      if (!scalable) {
        my_non_finite += 1;
        my_first = max(my_first, code(micro_batches[slice], block.tensor));
      }
      // What does not fit is zero before it becomes a float.
      sum += quantise(bitcast<f32>(select(0u, bits, fits)) * tensor.quantise, keys[slice], i);
    }
    lanes[i] = sum;
  }

  atomicMax(&largest, my_largest);
  if (my_overflows > 0) { atomicAdd(&overflows, my_overflows); }
  if (my_non_finite > 0) {
    atomicAdd(&non_finite, my_non_finite);
    atomicMax(&first, my_first);
  }
  workgroupBarrier();
  if (index == 0u) {
    atomicMax(&side.rest[MICRO_BATCHES + block.tensor], i32(atomicLoad(&largest)));
    let all_overflows = atomicLoad(&overflows);
    let all_non_finite = atomicLoad(&non_finite);
    if (all_overflows > 0) { atomicAdd(&side.overflows, all_overflows); }
    if (all_non_finite > 0) {
      atomicAdd(&side.non_finite, all_non_finite);
      atomicMax(&side.rest[MICRO_BATCHES + work.tensors], i32(atomicLoad(&first)));
    }
  }
}
