import type { Purpose } from "../../tasks/explain-task.js";

export const pushing: Purpose = {
  name: 'delivery: "push"',
  option: "push",
  what: "push to this process",
  instead: 'delivery: "staged", which needs no connection back and no Python',
};
