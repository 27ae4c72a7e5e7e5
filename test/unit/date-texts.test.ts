import { expect } from "chai";
import { dateText } from "../../lib/arrow/text/date-text.js";
import { dateTexts } from "../../lib/sinks/values/date-texts.js";

const isoDate = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);

describe("Dates as bytes", () => {
  it("are the text of all days of the years 0 to 9999, and of some beyond", () => {
    const first = -719_530; // 30 December before the year 0
    const days = Int32Array.from({ length: 2_932_900 - first }, (_, index) => first + index);
    const { width, write, unusual } = dateTexts(days);
    const bytes = Buffer.alloc(width);
    const view = new DataView(bytes.buffer, bytes.byteOffset, width);
    let different = 0;
    let written = 0;
    for (let row = 0; row < days.length; row++) {
      const end = write(view, 0, row);
      if (end > 0) written++;
      const text = end > 0 ? bytes.toString("latin1", 0, end) : unusual(row);
      if (text !== dateText(days[row]!)) different++;
      if (end > 0 && row % 13 === 0 && text !== isoDate(days[row]!)) different++;
    }
    expect(different).to.equal(0);
    expect(written).to.equal(2_932_896 + 719_528 + 1);
  });
});
