/* A process that provisions one small package, and prints what it was told and what it got. */
import { provisionVenv } from "../../lib/local/venv.js";

const messages: string[] = [];
const onProgress = (message: string) => void messages.push(message);
const { installed } = await provisionVenv({ name: "tiny", packages: ["six==1.17.0"], onProgress });
console.log(JSON.stringify({ installed, messages }));
