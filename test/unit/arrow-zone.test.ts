import { expect } from "chai";
import { arrowZone } from "../../lib/arrow/arrow-zone.js";

// What Java's ZoneId.of() takes, with what Spark does to it before; pyarrow and polars could not read a column of most of it.
describe("The zone of a column in Arrow", () => {
  const zones: Readonly<Record<string, string>> = {
    "Europe/Berlin": "Europe/Berlin",
    "America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
    UTC: "UTC",
    GMT: "GMT",
    GMT0: "GMT0",
    "Etc/GMT+8": "Etc/GMT+8",
    EST: "EST",
    EST5EDT: "EST5EDT",
    Z: "UTC",
    UT: "UTC",
    "+8": "+08:00",
    "-8": "-08:00",
    "+08": "+08:00",
    "+8:00": "+08:00",
    "+08:30": "+08:30",
    "+8:5": "+08:05",
    "+0830": "+08:30",
    "-08:30:00": "-08:30",
    "+083000": "+08:30",
    "+08:30:15": "UTC",
    "+083015": "UTC",
    "GMT+8": "+08:00",
    "GMT+08:00": "+08:00",
    "UTC-3": "-03:00",
    "UTC+08:00": "+08:00",
    "UT+01:00": "+01:00",
    "GMT-0": "+00:00",
    "UTC+00:00": "+00:00",
    "+18:00": "+18:00",
    PST: "America/Los_Angeles",
    IST: "Asia/Kolkata",
    "": "",
    constructor: "constructor",
  };
  for (const [zone, expected] of Object.entries(zones)) {
    it(`is ${JSON.stringify(expected)} for ${JSON.stringify(zone)}`, () => expect(arrowZone(zone)).to.equal(expected));
  }
});
