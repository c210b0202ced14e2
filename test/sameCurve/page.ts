/** What runs in the browser. */
import { type Curve, runCurve } from './curve.ts';

declare global {
  var curve: () => Promise<Curve>;
}

globalThis.curve = () => runCurve();
