/** Values that are not what their type says; the message goes on after "values that do not fit its type:". */
export class Misfit extends Error {
  override readonly name = "Misfit";
}
