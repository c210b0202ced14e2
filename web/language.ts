/**
 * To be loaded before uPlot, which asks Intl for number formats as it is loaded: some systems call their language by a name that Intl
 * refuses with an error, such as `en-US@posix`.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
}
