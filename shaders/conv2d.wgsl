// Two-dimensional convolution with stride and zero padding, as three matrix products whose operands are gathered on the way
// (implicit GEMM): no image is ever unfolded in memory.
//
//   forward          y[channel, place]  = Σ over taps          w[channel, tap] · patch[tap, place]  + bias
//   input_gradient   dx[input, place]   = Σ over outputs, taps w[output, input, tap] · dy[output, the place the tap came from]
//   weight_gradient  dw[channel, tap]   = Σ over places        dy[channel, place] · patch[tap, place],  for each slice
//
// A tap is (input channel, row, column) of the kernel; a place is (sample, row, column) of the result, all samples in one line.
//
// Tiling of all three: a workgroup of 8 × 8 invocations computes 32 × 32, each invocation 4 × 4 in registers, over workgroup tiles 16
// deep that are gathered in fours along the result. Every sum adds its terms in ascending order, whatever the grid.

struct Shape {
  samples: u32,
  channels: u32,
  height: u32,
  width: u32,
  out_channels: u32,
  out_height: u32,
  out_width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride: u32,
  padding: u32,
  // Offsets in the parameters, or in a slice's gradients.
  weight: u32,
  bias: u32,
  // Floats from one slice's gradients to the next.
  batch: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// forward and weight_gradient: x, [samples, channels, height, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;
// forward: all of the model's parameters, and y, [samples, out_channels, out_height, out_width]
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
// input_gradient: dy, all of the model's parameters, and dx
@group(0) @binding(1) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;
// weight_gradient: dy, and [slices, batch]
@group(0) @binding(2) var<storage, read> arriving: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
// bias_gradient: dy, and [slices, batch]
@group(0) @binding(2) var<storage, read_write> bias_gradients: array<f32>;

const TILE = 32u;
const DEPTH = 16u;
const QUADS = TILE / 4u;
const INVOCATIONS = 64u;

var<workgroup> a_tile: array<vec4<f32>, DEPTH * QUADS>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * QUADS>;

struct Patch {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

// Adds the product of the two tiles in workgroup memory; to be called between two barriers.
fn multiply(before: Patch, local: vec3<u32>) -> Patch {
  var p = before;
  for (var d = 0u; d < DEPTH; d++) {
    let x = a_tile[d * QUADS + local.y];
    let y = b_tile[d * QUADS + local.x];
    p.r0 += x.x * y;
    p.r1 += x.y * y;
    p.r2 += x.z * y;
    p.r3 += x.w * y;
  }
  return p;
}

// x at a tap of the patch of a place; zero in the padding and outside of either range. `sample` is the first of them.
fn patch_at(first_sample: u32, samples: u32, tap: u32, place: u32) -> f32 {
  let area = shape.out_height * shape.out_width;
  let taps = shape.kernel_height * shape.kernel_width;
  if (tap >= shape.channels * taps || place >= samples * area) {
    return 0.0;
  }
  let y = i32(place % area / shape.out_width * shape.stride + tap % taps / shape.kernel_width) - i32(shape.padding);
  let x = i32(place % area % shape.out_width * shape.stride + tap % taps % shape.kernel_width) - i32(shape.padding);
  if (y < 0 || x < 0 || y >= i32(shape.height) || x >= i32(shape.width)) {
    return 0.0;
  }
  let sample = first_sample + place / area;
  return input[((sample * shape.channels + tap / taps) * shape.height + u32(y)) * shape.width + u32(x)];
}

fn patch_places(tap: u32, place: u32) -> vec4<f32> {
  return vec4<f32>(
    patch_at(0u, shape.samples, tap, place),
    patch_at(0u, shape.samples, tap, place + 1u),
    patch_at(0u, shape.samples, tap, place + 2u),
    patch_at(0u, shape.samples, tap, place + 3u),
  );
}

fn weight_of(channel: u32, tap: u32) -> f32 {
  let taps = shape.channels * shape.kernel_height * shape.kernel_width;
  if (channel >= shape.out_channels || tap >= taps) {
    return 0.0;
  }
  return parameters[shape.weight + channel * taps + tap];
}

fn store_output(channel: u32, place: u32, v: vec4<f32>) {
  let area = shape.out_height * shape.out_width;
  if (channel >= shape.out_channels) {
    return;
  }
  let bias = parameters[shape.bias + channel];
  for (var i = 0u; i < 4u; i++) {
    let at = place + i;
    if (at < shape.samples * area) {
      output[(at / area * shape.out_channels + channel) * area + at % area] = v[i] + bias;
    }
  }
}

// Dispatch: (ceil(places / 32), ceil(out_channels / 32), 1), with samples · out_height · out_width places; x folds into z.
@compute @workgroup_size(8, 8)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let first_channel = group.y * TILE;
  let first_place = (group.z * groups.x + group.x) * TILE;
  let depth = shape.channels * shape.kernel_height * shape.kernel_width;
  var p = Patch();
  for (var start = 0u; start < depth; start += DEPTH) {
    for (var slot = index; slot < DEPTH * QUADS; slot += INVOCATIONS) {
      let tap = start + slot / QUADS;
      let channel = first_channel + slot % QUADS * 4u;
      a_tile[slot] = vec4<f32>(
        weight_of(channel, tap),
        weight_of(channel + 1u, tap),
        weight_of(channel + 2u, tap),
        weight_of(channel + 3u, tap),
      );
      b_tile[slot] = patch_places(tap, first_place + slot % QUADS * 4u);
    }
    workgroupBarrier();
    p = multiply(p, local);
    workgroupBarrier();
  }
  let channel = first_channel + local.y * 4u;
  let place = first_place + local.x * 4u;
  store_output(channel, place, p.r0);
  store_output(channel + 1u, place, p.r1);
  store_output(channel + 2u, place, p.r2);
  store_output(channel + 3u, place, p.r3);
}

// dy at the output place that reaches this input place by a tap; `tap` is (output channel, row, column) here.
fn reached(tap: u32, place: u32) -> f32 {
  let taps = shape.kernel_height * shape.kernel_width;
  let area = shape.height * shape.width;
  if (tap >= shape.out_channels * taps || place >= shape.samples * area) {
    return 0.0;
  }
  let y = i32(place % area / shape.width + shape.padding) - i32(tap % taps / shape.kernel_width);
  let x = i32(place % area % shape.width + shape.padding) - i32(tap % taps % shape.kernel_width);
  let stride = i32(shape.stride);
  if (y < 0 || x < 0 || y % stride != 0 || x % stride != 0) {
    return 0.0;
  }
  let row = u32(y / stride);
  let column = u32(x / stride);
  if (row >= shape.out_height || column >= shape.out_width) {
    return 0.0;
  }
  return upstream[((place / area * shape.out_channels + tap / taps) * shape.out_height + row) * shape.out_width + column];
}

// The weight between an input channel and a tap of `reached`.
fn weight_back(channel: u32, tap: u32) -> f32 {
  let taps = shape.kernel_height * shape.kernel_width;
  if (channel >= shape.channels || tap >= shape.out_channels * taps) {
    return 0.0;
  }
  return parameters[shape.weight + (tap / taps * shape.channels + channel) * taps + tap % taps];
}

fn store_input(channel: u32, place: u32, v: vec4<f32>) {
  let area = shape.height * shape.width;
  if (channel >= shape.channels) {
    return;
  }
  for (var i = 0u; i < 4u; i++) {
    let at = place + i;
    if (at < shape.samples * area) {
      let to = (at / area * shape.channels + channel) * area + at % area;
      if (ACCUMULATE) { gradient[to] += v[i]; } else { gradient[to] = v[i]; }
    }
  }
}

// Dispatch: (ceil(places / 32), ceil(channels / 32), 1), with samples · height · width places; x folds into z.
@compute @workgroup_size(8, 8)
fn input_gradient(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let first_channel = group.y * TILE;
  let first_place = (group.z * groups.x + group.x) * TILE;
  let depth = shape.out_channels * shape.kernel_height * shape.kernel_width;
  var p = Patch();
  for (var start = 0u; start < depth; start += DEPTH) {
    for (var slot = index; slot < DEPTH * QUADS; slot += INVOCATIONS) {
      let tap = start + slot / QUADS;
      let channel = first_channel + slot % QUADS * 4u;
      let place = first_place + slot % QUADS * 4u;
      a_tile[slot] = vec4<f32>(
        weight_back(channel, tap),
        weight_back(channel + 1u, tap),
        weight_back(channel + 2u, tap),
        weight_back(channel + 3u, tap),
      );
      b_tile[slot] = vec4<f32>(reached(tap, place), reached(tap, place + 1u), reached(tap, place + 2u), reached(tap, place + 3u));
    }
    workgroupBarrier();
    p = multiply(p, local);
    workgroupBarrier();
  }
  let channel = first_channel + local.y * 4u;
  let place = first_place + local.x * 4u;
  store_input(channel, place, p.r0);
  store_input(channel + 1u, place, p.r1);
  store_input(channel + 2u, place, p.r2);
  store_input(channel + 3u, place, p.r3);
}

// dy of a channel at a place of the slice whose first sample is given.
fn arriving_at(first_sample: u32, channel: u32, place: u32) -> f32 {
  let area = shape.out_height * shape.out_width;
  if (channel >= shape.out_channels || place >= shape.samples * area) {
    return 0.0;
  }
  return arriving[((first_sample + place / area) * shape.out_channels + channel) * area + place % area];
}

fn store_weight(slice: u32, channel: u32, tap: u32, v: vec4<f32>) {
  let taps = shape.channels * shape.kernel_height * shape.kernel_width;
  if (channel >= shape.out_channels) {
    return;
  }
  for (var i = 0u; i < 4u; i++) {
    if (tap + i < taps) {
      gradients[slice * shape.batch + shape.weight + channel * taps + tap + i] = v[i];
    }
  }
}

// Here `samples` are those of one slice. Dispatch: (ceil(taps / 32), ceil(out_channels / 32), slices).
@compute @workgroup_size(8, 8)
fn weight_gradient(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let first_sample = group.z * shape.samples;
  let first_channel = group.y * TILE;
  let first_tap = group.x * TILE;
  let depth = shape.samples * shape.out_height * shape.out_width;
  var p = Patch();
  for (var start = 0u; start < depth; start += DEPTH) {
    for (var slot = index; slot < DEPTH * QUADS; slot += INVOCATIONS) {
      let place = start + slot / QUADS;
      let channel = first_channel + slot % QUADS * 4u;
      let tap = first_tap + slot % QUADS * 4u;
      a_tile[slot] = vec4<f32>(
        arriving_at(first_sample, channel, place),
        arriving_at(first_sample, channel + 1u, place),
        arriving_at(first_sample, channel + 2u, place),
        arriving_at(first_sample, channel + 3u, place),
      );
      b_tile[slot] = vec4<f32>(
        patch_at(first_sample, shape.samples, tap, place),
        patch_at(first_sample, shape.samples, tap + 1u, place),
        patch_at(first_sample, shape.samples, tap + 2u, place),
        patch_at(first_sample, shape.samples, tap + 3u, place),
      );
    }
    workgroupBarrier();
    p = multiply(p, local);
    workgroupBarrier();
  }
  let channel = first_channel + local.y * 4u;
  let tap = first_tap + local.x * 4u;
  store_weight(group.z, channel, tap, p.r0);
  store_weight(group.z, channel + 1u, tap, p.r1);
  store_weight(group.z, channel + 2u, tap, p.r2);
  store_weight(group.z, channel + 3u, tap, p.r3);
}

var<workgroup> sums: array<f32, 64>;

// A channel of a slice a workgroup: invocation i adds places i, i + 64, …; the 64 sums are folded in halves. `samples` as above.
// Dispatch: (out_channels, 1, slices).
@compute @workgroup_size(64)
fn bias_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let area = shape.out_height * shape.out_width;
  let first_sample = group.z * shape.samples;
  var sum = 0.0;
  for (var place = index; place < shape.samples * area; place += 64u) {
    sum += upstream[((first_sample + place / area) * shape.out_channels + group.x) * area + place % area];
  }
  sums[index] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (index < half) {
      sums[index] += sums[index + half];
    }
    workgroupBarrier();
  }
  if (index == 0u) {
    bias_gradients[group.z * shape.batch + shape.bias + group.x] = sums[0];
  }
}
