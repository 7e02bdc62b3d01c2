import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.Path;
import org.apache.flink.formats.parquet.ParquetWriterFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * As FileSinkJob, for files of other formats: --format gzip|zstd|json|parquet.
 *
 * <p>gzip, zstd: lines of text in a bulk format, with the JDK's zlib at level 6, or zstd-jni at level 3. json: each
 * record with its topic, partition, offset, timestamp, key, value and headers as a line, made by Jackson. parquet:
 * the fields of the JSON value, read by Jackson into Avro's records, written by AvroParquetWriter with zstd. Files of
 * bulk formats are closed at each checkpoint: Flink cannot do otherwise.
 */
public final class FormatSinkJob {
  private static final int GZIP_LEVEL = 6;
  private static final int ZSTD_LEVEL = 3;
  private static final int BUFFER_BYTES = 64 * 1024;

  private FormatSinkJob() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> flags = FileSinkJob.flags(args);
    StreamExecutionEnvironment environment = FileSinkJob.environment(flags);
    // No operator keeps what it is given: nothing need be copied between them.
    environment.getConfig().enableObjectReuse();
    String format = flags.get("format");
    KafkaSource<String> source =
        format.equals("json") ? FileSinkJob.source(flags, new WholeRecord()) : FileSinkJob.source(flags);
    environment
        .fromSource(source, WatermarkStrategy.noWatermarks(), "kafka")
        .uid("kafka")
        .sinkTo(sink(format, flags.get("out")))
        .uid("files");
    environment.execute("tidemark-bench");
  }

  private static FileSink<String> sink(String format, String folder) {
    Path path = new Path("file://" + folder);
    switch (format) {
      case "json":
        return FileSinkJob.sink(folder, null);
      case "gzip":
        return bulk(path, out -> new Lines(new Gzip(out)));
      case "zstd":
        return bulk(path, out -> new Lines(new Zstd(out)));
      case "parquet":
        return bulk(path, new ParquetOfJson());
      default:
        throw new IllegalArgumentException("--format " + format);
    }
  }

  private static FileSink<String> bulk(Path path, BulkWriter.Factory<String> writers) {
    return FileSink.forBulkFormat(path, writers).withBucketAssigner(new BasePathBucketAssigner<>()).build();
  }

  private static final class Zstd extends ZstdOutputStream {
    Zstd(OutputStream out) throws IOException {
      super(out, ZSTD_LEVEL);
      setCloseFrameOnFlush(true);
    }
  }

  private static final class Gzip extends GZIPOutputStream {
    Gzip(OutputStream out) throws IOException {
      super(out, BUFFER_BYTES);
      def.setLevel(GZIP_LEVEL);
    }
  }

  /** Buffers lines before they are compressed: many small writes would be slow. */
  private static final class Lines implements BulkWriter<String> {
    private final OutputStream out;
    private byte[] buffer = new byte[BUFFER_BYTES];
    private int length;

    Lines(OutputStream out) {
      this.out = out;
    }

    @Override
    public void addElement(String line) throws IOException {
      byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
      if (length + bytes.length + 1 > buffer.length) {
        drain();
        if (bytes.length + 1 > buffer.length) buffer = new byte[bytes.length + 1];
      }
      System.arraycopy(bytes, 0, buffer, length, bytes.length);
      length += bytes.length;
      buffer[length++] = '\n';
    }

    private void drain() throws IOException {
      out.write(buffer, 0, length);
      length = 0;
    }

    @Override
    public void flush() throws IOException {
      drain();
      out.flush();
    }

    /** Ends the frame. The file itself is Flink's to close. */
    @Override
    public void finish() throws IOException {
      drain();
      if (out instanceof GZIPOutputStream) ((GZIPOutputStream) out).finish();
      out.flush();
    }
  }

  /** A record as a line: with keys and headers in base64, and the value as text. */
  private static final class WholeRecord implements KafkaRecordDeserializationSchema<String> {
    private static final long serialVersionUID = 1L;
    private transient ObjectMapper mapper;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<String> out) throws IOException {
      if (mapper == null) mapper = new ObjectMapper();
      ObjectNode line = mapper.createObjectNode();
      line.put("topic", record.topic());
      line.put("partition", record.partition());
      line.put("offset", record.offset());
      line.put("timestamp", record.timestamp());
      line.put("key", record.key());
      line.put("value", new String(record.value(), StandardCharsets.UTF_8));
      ArrayNode headers = line.putArray("headers");
      for (Header header : record.headers()) headers.addArray().add(header.key()).add(header.value());
      out.collect(mapper.writeValueAsString(line));
    }

    @Override
    public TypeInformation<String> getProducedType() {
      return TypeInformation.of(String.class);
    }
  }

  /** All fields are strings, as in the topic (LoadTopic.java). */
  private static final class ParquetOfJson implements BulkWriter.Factory<String> {
    private static final long serialVersionUID = 1L;
    private static final String[] FIELDS = {"id", "user", "session", "event", "path", "price", "agent"};

    @Override
    public BulkWriter<String> create(FSDataOutputStream out) throws IOException {
      Schema schema = schema();
      BulkWriter<GenericRecord> rows =
          new ParquetWriterFactory<GenericRecord>(
                  file ->
                      AvroParquetWriter.<GenericRecord>builder(file)
                          .withSchema(schema)
                          .withDataModel(GenericData.get())
                          .withCompressionCodec(CompressionCodecName.ZSTD)
                          .build())
              .create(out);
      JsonFactory json = new JsonFactory();
      return new BulkWriter<String>() {
        @Override
        public void addElement(String value) throws IOException {
          rows.addElement(read(json, schema, value));
        }

        @Override
        public void flush() throws IOException {
          rows.flush();
        }

        @Override
        public void finish() throws IOException {
          rows.finish();
        }
      };
    }

    private static Schema schema() {
      SchemaBuilder.FieldAssembler<Schema> fields = SchemaBuilder.record("row").fields();
      for (String name : FIELDS) fields = fields.requiredString(name);
      return fields.endRecord();
    }

    private static GenericRecord read(JsonFactory json, Schema schema, String value) throws IOException {
      GenericRecord row = new GenericData.Record(schema);
      try (JsonParser parser = json.createParser(value)) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          row.put(name, parser.getText());
        }
      }
      return row;
    }
  }
}
