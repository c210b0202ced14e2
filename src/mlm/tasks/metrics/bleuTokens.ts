/**
 * The tokenizations by which sacreBLEU makes scores comparable (Post, "A Call for Clarity in Reporting BLEU Scores", 2018): `13a`,
 * which is that of NIST's mteval-v13a.pl, and `zh`, which sets Chinese characters apart first.
 */

export type BleuTokenization = '13a' | 'zh';

/**
 * What `zh` sets apart, in ranges of UTF-16 units. Two of sacreBLEU's ranges were meant for characters beyond U+FFFF and are written
 * such that they stand for U+2001 to U+2A6D, where curly quotation marks and dashes are, and for U+2F81 to U+2FA1; both are kept, since
 * scores depend on them.
 */
const chinese =
  /[\u2001-\u2a6d\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u2fff\u3000-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u33ff\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]/g;

/** The tokens that BLEU counts. Case is kept. */
export function bleuTokens(text: string, tokenization: BleuTokenization): string[] {
  const prepared =
    tokenization === 'zh' ? text.trim().replace(chinese, ' $& ') : ` ${withoutMarkup(text.trimEnd())} `;
  return splitPunctuation(prepared)
    .split(/\s+/)
    .filter((token) => token !== '');
}

/** What mteval undoes of SGML. */
function withoutMarkup(text: string): string {
  return text
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
}

/** Punctuation stands alone, but for full stops and commas within numbers, apostrophes, and hyphens behind anything but a digit. */
function splitPunctuation(text: string): string {
  return text
    .replace(/[{-~[-` -&(-+:-@/]/g, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
}

/** `zh` for texts whose letters are Chinese characters for the most part. */
export function tokenizationFor(texts: readonly string[]): BleuTokenization {
  let [han, letters] = [0, 0];
  for (const text of texts) {
    letters += text.match(/\p{L}/gu)?.length ?? 0;
    han += text.match(/\p{Script=Han}/gu)?.length ?? 0;
  }
  return 2 * han > letters ? 'zh' : '13a';
}
