/**
 * The time zone of a TIMESTAMP column, in a form that Arrow allows. Spark copies spark.sql.session.timeZone into its
 * Arrow schemas, and that may be any text that Java's ZoneId.of() accepts. Arrow allows names of the tz database and
 * ±HH:MM, and its readers fail on anything else. The values are instants in UTC, whatever the zone.
 *
 *     Z, UT                                               UTC
 *     ±h, ±hh, ±h:mm, ±hh:mm, ±hhmm, with seconds,
 *     each alone or after UTC, GMT or UT                  ±HH:MM; if the seconds are not 0: UTC
 *     ZoneId.SHORT_IDS: PST, IST …                        the names they stand for
 */
const OFFSET = /^(?:UTC|GMT|UT)?([+-])(?:(\d{1,2})(?::(\d{1,2})(?::(\d{2}))?)?|(\d{2})(\d{2})(\d{2})?)$/;

/** Java's ZoneId.SHORT_IDS without EST, HST and MST, which the tz database has. */
const shortIds: Readonly<Record<string, string>> = {
  ACT: "Australia/Darwin",
  AET: "Australia/Sydney",
  AGT: "America/Argentina/Buenos_Aires",
  ART: "Africa/Cairo",
  AST: "America/Anchorage",
  BET: "America/Sao_Paulo",
  BST: "Asia/Dhaka",
  CAT: "Africa/Harare",
  CNT: "America/St_Johns",
  CST: "America/Chicago",
  CTT: "Asia/Shanghai",
  EAT: "Africa/Addis_Ababa",
  ECT: "Europe/Paris",
  IET: "America/Indiana/Indianapolis",
  IST: "Asia/Kolkata",
  JST: "Asia/Tokyo",
  MIT: "Pacific/Apia",
  NET: "Asia/Yerevan",
  NST: "Pacific/Auckland",
  PLT: "Asia/Karachi",
  PNT: "America/Phoenix",
  PRT: "America/Puerto_Rico",
  PST: "America/Los_Angeles",
  SST: "Pacific/Guadalcanal",
  VST: "Asia/Ho_Chi_Minh",
};

/**
 * Returns the same zone as ±HH:MM or a name of the tz database; a zone not in the table above is returned unchanged.
 */
export function arrowZone(zone: string): string {
  if (zone === "Z" || zone === "UT") return "UTC";
  if (Object.hasOwn(shortIds, zone)) return shortIds[zone]!;
  const [, sign, hours, minutes, seconds, ...packed] = OFFSET.exec(zone) ?? [];
  if (sign === undefined) return zone;
  if (Number(seconds ?? packed[2] ?? 0) !== 0) return "UTC";
  const text = [hours ?? packed[0]!, minutes ?? packed[1] ?? "0"].map((part) => part.padStart(2, "0")).join(":");
  return text === "00:00" ? "+00:00" : sign + text;
}
