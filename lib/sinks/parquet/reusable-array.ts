type ArrayType = Uint8Array | Int32Array;

/** An array that is reused: each call of `take` may overwrite what the one before returned. */
export class ReusableArray<A extends ArrayType> {
  readonly #make: new (
    length: number,
  ) => A;
  #array: A;

  constructor(make: new (length: number) => A) {
    this.#make = make;
    this.#array = new make(0);
  }

  /** The content is undefined. */
  take(length: number): A {
    if (length > this.#array.length) this.#array = new this.#make(Math.max(length, LEAST));
    return this.#array.subarray(0, length) as A;
  }
}

const LEAST = 16 * 1024;
