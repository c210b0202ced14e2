/** Cuts a text that arrives in pieces into documents, each handed out as soon as it is whole. */
import { ClozeError } from '../../gpu/errors.ts';

/**
 * What one document is: a block between blank lines, a line, a whole file; or `stream`, where a text has no documents and is
 * handed out in pieces of any length.
 */
export type DocumentKind = 'paragraph' | 'line' | 'file' | 'stream';

/** UTF-16 units of a document: longer ones do not fit into a JavaScript string. */
const longestDocument = 1 << 28;

/** UTF-16 units of the pieces of a stream. They end with a line where one is that short. */
const streamPiece = 1 << 22;

/**
 * Documents come without white space around a line or a paragraph and without empty ones. Line ends of every kind become
 * "\n"; a file or a stream is otherwise left as it is.
 */
export class DocumentSplitter {
  private readonly kind: DocumentKind;
  private readonly source: string;
  /** A "\r" at the end of a piece, whose "\n" may be still to come. */
  private held = '';
  /** The pieces of the line, the file or the stream under way, and their length. */
  private open: string[] = [];
  private openLength = 0;
  /** The lines of the paragraph under way. */
  private lines: string[] = [];
  private linesLength = 0;

  /** `source` stands for the text in messages. */
  constructor(kind: DocumentKind, source: string) {
    this.kind = kind;
    this.source = source;
  }

  /** The documents that end within this piece. Throws ClozeError `input` for one that is too long for a string. */
  push(piece: string): string[] {
    let text = this.held + piece;
    this.held = text.endsWith('\r') ? '\r' : '';
    if (this.held) text = text.slice(0, -1);
    return this.take(plain(text));
  }

  /** The documents that end with the text. */
  end(): string[] {
    const documents = this.take(plain(this.held));
    this.held = '';
    if (this.kind === 'line' || this.kind === 'paragraph') documents.push(...this.take('\n'));
    if (this.kind === 'paragraph') documents.push(...this.endParagraph());
    if (this.openLength > 0) documents.push(this.closeOpen());
    return documents;
  }

  private take(text: string): string[] {
    if (this.kind === 'file') {
      this.keep(text);
      return [];
    }
    if (this.kind === 'stream') return this.takeStream(text);
    const documents: string[] = [];
    const lines = text.split('\n');
    for (let i = 0; i + 1 < lines.length; i++) {
      this.keep(lines[i]);
      this.takeLine(this.closeOpen(), documents);
    }
    this.keep(lines[lines.length - 1]);
    return documents;
  }

  private takeLine(line: string, documents: string[]): void {
    const trimmed = line.trim();
    if (this.kind === 'line') {
      if (trimmed !== '') documents.push(trimmed);
    } else if (trimmed === '') {
      documents.push(...this.endParagraph());
    } else {
      this.lines.push(line);
      this.linesLength = this.checked(this.linesLength + line.length + 1);
    }
  }

  private endParagraph(): string[] {
    const paragraph = this.lines.join('\n').trim();
    this.lines = [];
    this.linesLength = 0;
    return paragraph === '' ? [] : [paragraph];
  }

  private takeStream(text: string): string[] {
    this.keep(text);
    if (this.openLength < streamPiece) return [];
    const whole = this.closeOpen();
    const pieces: string[] = [];
    let start = 0;
    while (whole.length - start >= streamPiece) {
      const limit = start + streamPiece;
      const lineEnd = whole.lastIndexOf('\n', limit - 1) + 1;
      const end = lineEnd > start ? lineEnd : wholeCharacters(whole, limit);
      pieces.push(whole.slice(start, end));
      start = end;
    }
    this.keep(whole.slice(start));
    return pieces;
  }

  private keep(text: string): void {
    if (text === '') return;
    this.open.push(text);
    this.openLength = this.checked(this.openLength + text.length);
  }

  private closeOpen(): string {
    const text = this.open.length === 1 ? this.open[0] : this.open.join('');
    this.open = [];
    this.openLength = 0;
    return text;
  }

  private checked(length: number): number {
    if (length <= longestDocument) return length;
    throw new ClozeError(
      'input',
      `${this.source} holds a document of more than ${longestDocument} characters`,
      'Tell documents apart by line or paragraph, or read it with --documents stream.',
    );
  }
}

/** The documents of a text that is there as a whole. */
export function splitDocuments(text: string, kind: DocumentKind): string[] {
  const splitter = new DocumentSplitter(kind, 'the text');
  return [...splitter.push(text), ...splitter.end()];
}

/** `end`, or one less where it would part a surrogate pair. */
export function wholeCharacters(text: string, end: number): number {
  return /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) && end < text.length ? end - 1 : end;
}

function plain(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
