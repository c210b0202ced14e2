/** The text column of a Parquet file, a row group at a time. */
import { ClozeError } from '../../gpu/errors.ts';
import type { Source } from './sources.ts';

/** Throws ClozeError `input` for a file that is no Parquet, that lacks the column, or whose column holds no strings. */
export async function* parquetRows(source: Source, column: string): AsyncGenerator<string[]> {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const file = {
    byteLength: source.size,
    slice: (start: number, end = source.size) => source.slice(start, end),
  };
  const read = async <T>(action: Promise<T>): Promise<T> => {
    try {
      return await action;
    } catch (cause) {
      if (cause instanceof ClozeError) throw cause;
      const reason = (cause as Error).message.split('\n')[0];
      const what = `${source.name} cannot be read as Parquet (${reason})`;
      throw new ClozeError('input', what, 'Download or write it again.', { cause });
    }
  };
  const metadata = await read(parquetMetadataAsync(file));
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  if (!names.includes(column)) {
    throw new ClozeError(
      'input',
      `${source.name} has no column ${column}`,
      `Name the column that holds the text with --text-field; there are: ${names.join(', ')}.`,
    );
  }
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const options = { file, metadata, compressors, columns: [column], rowStart, rowEnd };
    const rows = await read(parquetReadObjects(options));
    yield rows.map((row) => textOf(row[column], source.name, column));
    rowStart = rowEnd;
  }
}

function textOf(value: unknown, source: string, column: string): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  throw new ClozeError(
    'input',
    `${source}: the column ${column} holds no text`,
    'Name another with --text-field.',
  );
}
