/**
 * GELU, its erf form and its tanh form (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016), with slopes.
 *
 * Both are x times a number between 0 and 1, so that nothing cancels: the erf form is x Φ(x) with Φ the normal
 * distribution function, the tanh form x σ(2u) with u = √(2/π) (x + 0.044715 x³).
 *
 * The tail is Φ(−x) = exp(−x²/2) R(x) for x ≥ 0. R is smooth; here it is t times a polynomial of degree 8 in
 * t = 1 / (1 + 0.35 x), the form of Abramowitz and Stegun 26.2.17, fitted to a relative error of 4e-8 (minimax by
 * Lawson's iteration). Beyond |x| = 16 everything has long reached its limit, so larger arguments are cut off there.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/**
 * Defines `gelu`, `geluSlope`, `geluTanh` and `geluTanhSlope` for `Element`, an alias of f32 or vec4f that the kernel
 * declares.
 */
export const gelu = wgsl`
fn normalTail(x: Element, bell: Element) -> Element {
  let t = 1 / (1 + 0.35 * x);
  var r = Element(-0.0291259634);
  r = r * t + 0.143872696;
  r = r * t - 0.255505477;
  r = r * t + 0.158930281;
  r = r * t - 0.0229377787;
  r = r * t + 0.105433188;
  r = r * t + 0.119852380;
  r = r * t + 0.139859089;
  r = r * t + 0.139621569;
  return bell * t * r;
}

fn normalCdf(x: Element, bell: Element) -> Element {
  let tail = normalTail(abs(x), bell);
  return select(1 - tail, tail, x < Element(0));
}

fn gelu(x: Element) -> Element {
  let z = clamp(x, Element(-16), Element(16));
  return x * normalCdf(z, exp(-0.5 * z * z));
}

// Φ(x) + x φ(x); 0.3989… is 1 / √(2π).
fn geluSlope(x: Element) -> Element {
  let z = clamp(x, Element(-16), Element(16));
  let bell = exp(-0.5 * z * z);
  return normalCdf(z, bell) + z * bell * 0.3989422804;
}

// σ(2u), with the exponential of a negative number only; 1.5957… is 2 √(2/π).
fn geluGate(x: Element) -> Element {
  let u2 = 1.5957691216 * x * (1 + 0.044715 * x * x);
  let e = exp(-abs(u2));
  return select(Element(1), e, x < Element(0)) / (1 + e);
}

fn geluTanh(x: Element) -> Element {
  return x * geluGate(clamp(x, Element(-16), Element(16)));
}

fn geluTanhSlope(x: Element) -> Element {
  let z = clamp(x, Element(-16), Element(16));
  let s = geluGate(z);
  return s + z * s * (1 - s) * 1.5957691216 * (1 + 0.134145 * z * z);
}
`;
