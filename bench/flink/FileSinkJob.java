import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.DefaultRollingPolicy;

/**
 * The job that Tidemark is measured against: moves a Kafka topic into files of lines, exactly once, as in
 * Flink's documentation.
 *
 * <p>--brokers HOST:PORT --topic NAME --group NAME --out FOLDER|URI --checkpoints FOLDER --checkpoint-ms N
 * --parallelism N [--conf FOLDER] [--bucket-pattern PATTERN] [--roll-seconds N] [--restore CHECKPOINT]
 * [--unbounded]. A pattern names folders after the records' own times, in UTC; without one there is one folder. A
 * URI is of a file system on the class path, which the config.yaml of the conf folder configures. Prints "first
 * record" when the sink gets its first record.
 */
public final class FileSinkJob {
  private FileSinkJob() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> flags = flags(args);
    StreamExecutionEnvironment environment = environment(flags);
    environment
        .fromSource(source(flags), WatermarkStrategy.noWatermarks(), "kafka")
        .uid("kafka")
        .sinkTo(sink(flags))
        .uid("files");
    environment.execute("tidemark-bench");
    // Idle threads of a file system would keep the process alive for a minute.
    System.exit(0);
  }

  static StreamExecutionEnvironment environment(Map<String, String> flags) {
    Configuration configuration = new Configuration();
    if (flags.containsKey("conf")) {
      configuration = GlobalConfiguration.loadConfiguration(flags.get("conf"));
      // As the entry points of a cluster do.
      FileSystem.initialize(configuration, null);
    }
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + flags.get("checkpoints"));
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    // A failure ends the job, and the bench with it.
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    if (flags.containsKey("restore")) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, "file://" + flags.get("restore"));
    }
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setParallelism(Integer.parseInt(flags.get("parallelism")));
    environment.enableCheckpointing(Long.parseLong(flags.get("checkpoint-ms")), CheckpointingMode.EXACTLY_ONCE);
    return environment;
  }

  /** The values of the records, as strings. */
  static KafkaSource<String> source(Map<String, String> flags) {
    return source(flags, KafkaRecordDeserializationSchema.valueOnly(new SimpleStringSchema()));
  }

  static KafkaSource<String> source(
      Map<String, String> flags, KafkaRecordDeserializationSchema<String> deserializer) {
    KafkaSourceBuilder<String> builder =
        KafkaSource.<String>builder()
            .setBootstrapServers(flags.get("brokers"))
            .setTopics(flags.get("topic"))
            .setGroupId(flags.get("group"))
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(deserializer);
    if (!flags.containsKey("unbounded")) {
      builder.setBounded(OffsetsInitializer.latest());
    }
    return builder.build();
  }

  static FileSink<String> sink(Map<String, String> flags) {
    String out = flags.get("out");
    String uri = out.contains("://") ? out : "file://" + out;
    // Flink's defaults, made explicit.
    Duration age = Duration.ofSeconds(Long.parseLong(flags.getOrDefault("roll-seconds", "60")));
    return FileSink.forRowFormat(new Path(uri), new SimpleStringEncoder<String>("UTF-8"))
        .withBucketAssigner(new AnnouncingAssigner(flags.get("bucket-pattern")))
        .withRollingPolicy(
            DefaultRollingPolicy.builder()
                .withMaxPartSize(MemorySize.ofMebiBytes(128))
                .withRolloverInterval(age)
                .withInactivityInterval(age)
                .build())
        .build();
  }

  static Map<String, String> flags(String[] args) {
    Map<String, String> flags = new HashMap<>();
    for (int at = 0; at < args.length; at++) {
      String name = args[at].substring(2);
      boolean hasValue = at + 1 < args.length && !args[at + 1].startsWith("--");
      flags.put(name, hasValue ? args[++at] : "");
    }
    return flags;
  }

  /** Puts records into folders of their times. Prints once per process that the first record has arrived. */
  private static final class AnnouncingAssigner implements BucketAssigner<String, String> {
    private static final long serialVersionUID = 1L;
    private static final AtomicBoolean ANNOUNCED = new AtomicBoolean();
    private final String pattern;
    private transient DateTimeFormatter formatter;
    private transient boolean isAnnounced;

    AnnouncingAssigner(String pattern) {
      this.pattern = pattern;
    }

    @Override
    public String getBucketId(String element, BucketAssigner.Context context) {
      if (!isAnnounced) {
        isAnnounced = true;
        if (ANNOUNCED.compareAndSet(false, true)) {
          System.out.println("first record");
          System.out.flush();
        }
      }
      if (pattern == null) {
        return "";
      }
      if (formatter == null) {
        // As in Flink's own DateTimeBucketAssigner.
        formatter = DateTimeFormatter.ofPattern(pattern).withZone(ZoneOffset.UTC);
      }
      return formatter.format(Instant.ofEpochMilli(context.timestamp()));
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
      return SimpleVersionedStringSerializer.INSTANCE;
    }
  }
}
