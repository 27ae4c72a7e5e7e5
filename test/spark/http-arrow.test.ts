// The web page of examples/http-arrow in a real browser: what a person would see, and press.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import chromium from "@sparticuz/chromium";
import { expect } from "chai";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { startExample } from "../support/example-server.js";
import { sparkSession } from "../support/spark.js";

const pictures = resolve(import.meta.dirname, "../../out/pictures");

describe("the page of the example http-arrow, in Chromium,", function () {
  this.timeout(240_000);
  let browser: Browser;
  let example: Awaited<ReturnType<typeof startExample>>;

  before(async () => {
    await mkdir(pictures, { recursive: true });
    example = await startExample("http-arrow/server.ts");
    browser = await puppeteer.launch({
      args: [...chromium.args, "--no-sandbox"],
      executablePath: await chromium.executablePath(),
      headless: "shell",
      defaultViewport: { width: 1000, height: 600 },
    });
  });
  after(async () => {
    await browser?.close();
    await example?.[Symbol.asyncDispose]();
  });

  // Text, since it runs in the browser.
  const drawnStrips = `(() => {
    const canvas = document.getElementById("chart");
    const context = canvas.getContext("2d");
    return Array.from({ length: 10 }, (_, strip) => {
      const { data } = context.getImageData((strip * canvas.width) / 10, 0, canvas.width / 10, canvas.height);
      return data.some((value) => value !== 0);
    });
  })()`;
  /** Which of ten strips of the chart, from left to right, have something in them. */
  const drawn = (page: Page) => page.evaluate(drawnStrips) as Promise<boolean[]>;
  const until = (page: Page, condition: string) =>
    page.waitForFunction(`document.body.dataset.${condition}`, { timeout: 60_000, polling: 10 });

  it("draws the chart while the batches arrive, from left to right, and all of it in the end", async () => {
    const page = await browser.newPage();
    await page.goto(`${example.url}?rows=2000000`);
    await until(page, "rows >= 100_000");
    const before = await drawn(page);
    await page.screenshot({ path: join(pictures, "http-arrow-begun.png") });
    expect([before[0], before[9]]).to.deep.equal([true, false]);

    await until(page, `state !== "running"`);
    await page.screenshot({ path: join(pictures, "http-arrow-complete.png") });
    expect(await drawn(page)).to.deep.equal(Array(10).fill(true));
    expect(await page.$eval("#status", (element) => element.textContent)).to.include("2,000,000 rows in 40 batches");
    await page.close();
  });

  it("stops the job on the cluster when Stop is pressed", async () => {
    const page = await browser.newPage();
    await page.goto(`${example.url}?rows=100000000`);
    await until(page, "rows > 0");
    await page.click("#stop");
    await until(page, `state !== "running"`);
    expect(await page.$eval("#status", (element) => element.textContent)).to.match(/^stopped: [\d,]+ rows/);
    // Both slots of this Spark would be taken for a minute if it ran on.
    await using spark = await sparkSession();
    const begin = performance.now();
    expect(await spark.range(0, 1000, 1, 2).count()).to.equal(1000);
    expect(performance.now() - begin).to.be.below(20_000);
    await page.close();
  });
});
