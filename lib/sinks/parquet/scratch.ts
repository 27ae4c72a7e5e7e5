type ArrayType = Uint8Array | Int32Array;

/** One array that is used again: what was taken before is overwritten by what is taken next. */
export class Scratch<A extends ArrayType> {
  readonly #make: new (
    length: number,
  ) => A;
  #array: A;

  constructor(make: new (length: number) => A) {
    this.#make = make;
    this.#array = new make(0);
  }

  /** Its content is what it happens to be. */
  take(length: number): A {
    if (length > this.#array.length) this.#array = new this.#make(Math.max(length, LEAST));
    return this.#array.subarray(0, length) as A;
  }
}

const LEAST = 16 * 1024;
