/** The chart of the docs: a panel for each comparison, a bar for each contender, a thin line from its least to its most. */
import type { Figure, Result } from "./measure.js";

export interface Panel {
  readonly title: string;
  /** The metric, by its name. */
  readonly metric: string;
  readonly better: "more" | "less";
  readonly results: readonly Result[];
}

const COLUMNS = 2;
const WIDTH = 470;
const HEAD = 48;
const ROW = 24;
const LABELS = 192;
const VALUES = 62;
const GAP = 24;
const LEGEND = "Blue: this package. Pale: gRPC alone, nothing decoded. Lines: from the least to the most of the runs.";

/** In its own colours on its own ground, so that it can be read on any page; dark where the reader's system is. */
const style = `
  svg { --ground: #ffffff; --text: #1f2328; --soft: #59636e; --bar: #aab4be; --ours: #0969da; --limit: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --text: #e6edf3; --soft: #9198a1; --bar: #57606a; --ours: #4493f8; --limit: #343c46; }
  }
  .ground { fill: var(--ground); } text { fill: var(--text); } .soft { fill: var(--soft); } .other { fill: var(--bar); }
  .ours { fill: var(--ours); } .limit { fill: var(--limit); } .range { stroke: var(--soft); stroke-width: 1.5; }`;

/**
 * An SVG of these panels.
 *
 * @param roleOf how a contender's bar is drawn
 */
export function chart(panels: readonly Panel[], roleOf: (contender: string) => "ours" | "limit" | "other"): string {
  const drawn = panels.map((panel) => ({ panel, height: HEAD + ROW * shown(panel).length }));
  const parts: string[] = [];
  let top = GAP;
  for (let row = 0; row < drawn.length; row += COLUMNS) {
    const line = drawn.slice(row, row + COLUMNS);
    for (const [column, { panel }] of line.entries()) {
      const left = GAP + column * (WIDTH + GAP);
      parts.push(`<g transform="translate(${left} ${top})">${panelOf(panel, roleOf)}</g>`);
    }
    top += Math.max(...line.map(({ height }) => height)) + GAP;
  }
  const height = top + GAP;
  const width = GAP + COLUMNS * (WIDTH + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    "<title>How fast results of Spark arrive, by client</title>",
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="8"/>`,
    ...parts,
    `<text class="soft" x="${GAP}" y="${top - 4}">${LEGEND}</text>`,
    "</svg>\n",
  ].join("\n");
}

function panelOf(panel: Panel, roleOf: (contender: string) => string): string {
  const { title, metric, better } = panel;
  const bars = shown(panel);
  const most = Math.max(...bars.map(({ figure }) => figure.max));
  const scale = (value: number) => ((WIDTH - LABELS - VALUES) * value) / most;
  const lines = bars.map(({ contender, figure }, index) => {
    const { median, min, max, digits } = figure;
    const y = HEAD + index * ROW;
    const [from, to] = [LABELS + scale(min), LABELS + scale(max)].map((x) => x.toFixed(1));
    const value = median.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return [
      `<text x="${LABELS - 10}" y="${y + 12}" text-anchor="end">${escaped(contender)}</text>`,
      `<rect class="${roleOf(contender)}" x="${LABELS}" y="${y}" width="${scale(median).toFixed(1)}" height="16" rx="2"/>`,
      `<path class="range" d="M${from} ${y + 8}H${to}"/>`,
      `<text x="${(Number(to) + 8).toFixed(1)}" y="${y + 12}">${value}</text>`,
    ].join("");
  });
  const heading = `<text y="14" font-weight="600">${escaped(title)}</text>`;
  return [heading, `<text class="soft" y="32">${escaped(metric)}, ${better} is better</text>`, ...lines].join("\n");
}

function shown({ metric, results }: Panel): { contender: string; figure: Figure }[] {
  return results.flatMap(({ contender, figures }) => {
    const figure = figures[metric];
    return figure ? [{ contender, figure }] : [];
  });
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
