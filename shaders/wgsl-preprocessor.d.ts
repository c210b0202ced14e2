/** The package carries no types of its own. */
declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  /** Tagged template for WGSL with `#if ${x}`, `#elif ${x}`, `#else` and `#endif`. */
  export function wgsl(strings: TemplateStringsArray, ...values: unknown[]): string;
}
