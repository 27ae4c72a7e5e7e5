export { type ErrorCode, type ErrorDetails, errorCodes, type QueryContext, SparkStreamError } from "./errors.js";
