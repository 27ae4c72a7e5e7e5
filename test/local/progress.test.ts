import { expect } from "chai";
import { ProgressLine } from "../../lib/local/progress.js";

function recorder(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

describe("the progress line", () => {
  it("is rewritten in place on a terminal, and gone at the end", () => {
    const stream = recorder(true);
    const line = new ProgressLine(stream);
    line.report("downloading, 1 %");
    line.report("downloading, 2 %");
    line.end();
    expect(stream.written).to.deep.equal(["\r\x1b[2Kdownloading, 1 %", "\r\x1b[2Kdownloading, 2 %", "\r\x1b[2K"]);
  });

  it("never takes more than one row of the terminal", () => {
    const stream = recorder(true, 10);
    new ProgressLine(stream).report("downloading Spark");
    expect(stream.written).to.deep.equal(["\r\x1b[2Kdownload…"]);
  });

  it("is a line for each new thing where there is no terminal, whatever the figures", () => {
    const stream = recorder(false);
    const line = new ProgressLine(stream);
    for (const message of ["making", "downloading, 1 %", "downloading, 22 %", "writing"]) line.report(message);
    line.end();
    expect(stream.written).to.deep.equal(["making\n", "downloading, 1 %\n", "writing\n"]);
  });

  it("prints nothing when there was nothing to tell", () => {
    const stream = recorder(true);
    new ProgressLine(stream).end();
    expect(stream.written).to.deep.equal([]);
  });
});
