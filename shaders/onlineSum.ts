/**
 * The largest of a row's scores and Σ exp(score − largest) in one sweep: the sum is kept relative to the largest score so
 * far and rescaled when a larger one comes (Milakov and Gimelshein, 2018). Four elements a turn share one rescaling.
 * Goes with the frame of `rows.ts`; a kernel supplies fn scores(i: u32) -> Element.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

export const onlineSum = wgsl`
struct OnlineSum { highest: f32, sums: Element }

fn include(so: OnlineSum, x: Element) -> OnlineSum {
  let high = max(so.highest, maxOf(x));
  return OnlineSum(high, so.sums * exp(so.highest - high) + exp(x - high));
}

/** What a member holds of the \`columns\` elements from \`start\` on. */
fn onlineSum(start: u32, columns: u32, member: u32, team: u32) -> OnlineSum {
  var all = OnlineSum(lowest, Element(0));
  var c = member;
  for (; c + 3 * team < columns; c += 4 * team) {
    let x0 = scores(start + c);
    let x1 = scores(start + c + team);
    let x2 = scores(start + c + 2 * team);
    let x3 = scores(start + c + 3 * team);
    let high = max(all.highest, maxOf(max(max(x0, x1), max(x2, x3))));
    let more = (exp(x0 - high) + exp(x1 - high)) + (exp(x2 - high) + exp(x3 - high));
    all = OnlineSum(high, all.sums * exp(all.highest - high) + more);
  }
  for (; c < columns; c += team) { all = include(all, scores(start + c)); }
  return all;
}
`;
