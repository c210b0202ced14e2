/** What runs on Deno: prints the curve as JSON. */
import { runCurve } from './curve.ts';

console.log(JSON.stringify(await runCurve()));
