/** The entry `spark-arrow-stream/s3`: needs the package @aws-sdk/client-s3. */
export { type S3ExecutorOptions, type S3StoreOptions, s3Store } from "./store/s3-store.js";
