/**
 * The numbers of the Parquet format, with the names of parquet.thrift (apache/parquet-format): the field ids of its
 * structs, and its enums. This file imports nothing.
 */

/** @internal The first and the last bytes of a file: "PAR1". */
export const magic = Uint8Array.of(0x50, 0x41, 0x52, 0x31);

export const fields = {
  FileMetaData: {
    version: 1,
    schema: 2,
    num_rows: 3,
    row_groups: 4,
    key_value_metadata: 5,
    created_by: 6,
    column_orders: 7,
  },
  KeyValue: { key: 1, value: 2 },
  ColumnOrder: { TYPE_ORDER: 1 },
  SchemaElement: {
    type: 1,
    type_length: 2,
    repetition_type: 3,
    name: 4,
    num_children: 5,
    converted_type: 6,
    scale: 7,
    precision: 8,
    field_id: 9,
    logicalType: 10,
  },
  RowGroup: { columns: 1, total_byte_size: 2, num_rows: 3, file_offset: 5, total_compressed_size: 6, ordinal: 7 },
  ColumnChunk: { file_offset: 2, meta_data: 3 },
  ColumnMetaData: {
    type: 1,
    encodings: 2,
    path_in_schema: 3,
    codec: 4,
    num_values: 5,
    total_uncompressed_size: 6,
    total_compressed_size: 7,
    data_page_offset: 9,
    dictionary_page_offset: 11,
    statistics: 12,
    encoding_stats: 13,
  },
  Statistics: { null_count: 3, max_value: 5, min_value: 6, is_max_value_exact: 7, is_min_value_exact: 8 },
  PageEncodingStats: { page_type: 1, encoding: 2, count: 3 },
  PageHeader: {
    type: 1,
    uncompressed_page_size: 2,
    compressed_page_size: 3,
    data_page_header: 5,
    dictionary_page_header: 7,
  },
  DataPageHeader: { num_values: 1, encoding: 2, definition_level_encoding: 3, repetition_level_encoding: 4 },
  DictionaryPageHeader: { num_values: 1, encoding: 2 },
  LogicalType: {
    STRING: 1,
    MAP: 2,
    LIST: 3,
    DECIMAL: 5,
    DATE: 6,
    TIME: 7,
    TIMESTAMP: 8,
    INTEGER: 10,
    UNKNOWN: 11,
    FLOAT16: 15,
  },
  DecimalType: { scale: 1, precision: 2 },
  /** Those of TimeType and TimestampType. */
  TimeType: { isAdjustedToUTC: 1, unit: 2 },
  TimeUnit: { MILLIS: 1, MICROS: 2, NANOS: 3 },
  IntType: { bitWidth: 1, isSigned: 2 },
} as const;

/** The enum Type. */
export const physicalTypes = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
} as const;

export type PhysicalType = keyof typeof physicalTypes;

/** The enum ConvertedType, the only annotation that readers from before 2018 know. */
export const convertedTypes = {
  UTF8: 0,
  MAP: 1,
  LIST: 3,
  DECIMAL: 5,
  DATE: 6,
  TIME_MILLIS: 7,
  TIME_MICROS: 8,
  TIMESTAMP_MILLIS: 9,
  TIMESTAMP_MICROS: 10,
  UINT_8: 11,
  INT_8: 15,
} as const;

/** The enum FieldRepetitionType. */
export const repetitionTypes = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const;

/** The enum Encoding. */
export const encodings = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const;

/** The enum PageType. */
export const pageTypes = { DATA_PAGE: 0, DICTIONARY_PAGE: 2 } as const;

/** The enum CompressionCodec. */
export const compressionCodecs = { zstd: 6, snappy: 1, gzip: 2, brotli: 4, lz4_raw: 7, uncompressed: 0 } as const;

export type ParquetCompression = keyof typeof compressionCodecs;
export const parquetCompressions = Object.keys(compressionCodecs) as readonly ParquetCompression[];

/** The key under which the footer holds the Arrow schema. */
export const arrowSchemaKey = "ARROW:schema";
