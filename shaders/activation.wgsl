// Activations, element by element: forward, and the gradient from what the derivative is cheapest computed from.
//
// Tiling: none. A workgroup of 64 takes 256 neighbouring elements, each invocation four that lie 64 apart, so that every load of the
// workgroup is one run of memory. Where a linear layer comes before, its matrix product applies the function itself (see matmul).

struct Shape {
  length: u32,
}

// 0 relu, 1 gelu, 2 gelu_tanh, 3 silu, 4 tanh (names as in PyTorch).
override FUNCTION: u32 = 0;
// Whether the gradient is added to what another reader of the value has put there.
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> shape: Shape;
// forward: x. backward: y of relu and tanh, x of the others.
@group(0) @binding(1) var<storage, read> value: array<f32>;
// forward
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// backward
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

const INVOCATIONS = 64u;
const EACH = 4u;

const SQRT_2_OVER_PI = 0.7978845608028654;
const CUBIC = 0.044715;
const INVERSE_SQRT_2 = 0.7071067811865476;
const INVERSE_SQRT_2_PI = 0.3989422804014327;

// max(x, 0), except that NaN stays NaN, so that it reaches the loss and is flagged there. WGSL may assume that there is no NaN, so
// the bits are asked.
fn relu(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let keeps = bits < 0x80000000u || bits > 0xff800000u;
  return select(0.0, x, keeps);
}

// By e^(−2|x|), which neither overflows nor cancels.
fn hyperbolic(x: f32) -> f32 {
  let e = exp(-2.0 * abs(x));
  let y = (1.0 - e) / (1.0 + e);
  return select(y, -y, x < 0.0);
}

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// Φ(x) = (1 + erf(x / √2)) / 2, with erf by Abramowitz and Stegun 7.1.26: within 1.5e-7.
fn normal_cdf(x: f32) -> f32 {
  let z = abs(x) * INVERSE_SQRT_2;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * series * exp(-z * z);
  return select(1.0 - tail, tail, x < 0.0);
}

fn apply(x: f32) -> f32 {
  switch FUNCTION {
    case 0u: { return relu(x); }
    case 1u: { return x * normal_cdf(x); }
    case 2u: { return 0.5 * x * (1.0 + hyperbolic(SQRT_2_OVER_PI * (x + CUBIC * x * x * x))); }
    case 3u: { return x * sigmoid(x); }
    default: { return hyperbolic(x); }
  }
}

// dy/dx, from y for relu and tanh, else from x.
fn derivative(v: f32) -> f32 {
  switch FUNCTION {
    case 0u: { return select(0.0, 1.0, v > 0.0); }
    case 1u: { return normal_cdf(v) + v * INVERSE_SQRT_2_PI * exp(-0.5 * v * v); }
    case 2u: {
      let t = hyperbolic(SQRT_2_OVER_PI * (v + CUBIC * v * v * v));
      return 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * v * v);
    }
    case 3u: {
      let s = sigmoid(v);
      return s * (1.0 + v * (1.0 - s));
    }
    default: { return 1.0 - v * v; }
  }
}

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
    output[i] = apply(value[i]);
    i += INVOCATIONS;
  }
}

// Dispatch: as forward.
@compute @workgroup_size(INVOCATIONS)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var i = first_element(group, groups, index);
  for (var each = 0u; each < EACH && i < shape.length; each++) {
    let g = upstream[i] * derivative(value[i]);
    if (ACCUMULATE) { gradient[i] += g; } else { gradient[i] = g; }
    i += INVOCATIONS;
  }
}
