// The digest of an array's bits: four sums of mixed words, modulo 2^32 (see src/collective/digest.ts, its twin on the CPU).

struct Stream {
  // Words to digest.
  length: u32,
  // Keeps equal words of different arrays apart.
  stream: u32,
}

@group(0) @binding(0) var<uniform> stream: Stream;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> sums: array<atomic<u32>, 4>;

var<workgroup> partial: array<atomic<u32>, 4>;

// The finalizer of MurmurHash3.
fn mix32(x: u32) -> u32 {
  var h = (x ^ (x >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}

// Dispatch: (any number, 1, 1).
@compute @workgroup_size(64)
fn digest(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var mine = vec4<u32>();
  for (var i = id.x; i < stream.length; i += groups.x * 64u) {
    let word = words[i] ^ mix32(i * 0x9e3779b1u + stream.stream);
    mine += vec4<u32>(
      mix32(word ^ 0x6a09e667u),
      mix32(word + 0xbb67ae85u),
      mix32(word ^ 0x3c6ef373u),
      mix32(word + 0xa54ff53bu),
    );
  }
  atomicAdd(&partial[0], mine.x);
  atomicAdd(&partial[1], mine.y);
  atomicAdd(&partial[2], mine.z);
  atomicAdd(&partial[3], mine.w);
  workgroupBarrier();
  if (index < 4u) {
    atomicAdd(&sums[index], atomicLoad(&partial[index]));
  }
}
