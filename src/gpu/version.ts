/** The version of this package, by which what one version has measured is kept apart from the next. */
export const version = '0.1.0';
