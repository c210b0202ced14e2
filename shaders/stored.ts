/**
 * Floats can be stored as f16, two bytes each, while all arithmetic stays f32. A kernel's text takes the type of each such
 * buffer from here, and converts where it touches memory: `Element(x[i])` what it loads, `${type('y')}(…)` what it
 * stores. For a buffer of f32 both change nothing.
 */
export interface Stored {
  /** The directive that comes first in the text; empty where nothing is stored as f16. */
  readonly enable: string;
  /** The type of one number, or of four neighbours, of a buffer: the second parameter, or what the kernel works in. */
  type(name: string, width?: 1 | 4): 'f32' | 'vec4f' | 'f16' | 'vec4h';
}

/** `f16`: the names of the buffers that are stored so; `width`: the numbers of an element. */
export function stored(f16: readonly string[] = [], width: 1 | 4 = 1): Stored {
  return {
    enable: f16.length > 0 ? 'enable f16;' : '',
    type: (name, across = width) => {
      if (f16.includes(name)) return across === 4 ? 'vec4h' : 'f16';
      return across === 4 ? 'vec4f' : 'f32';
    },
  };
}
