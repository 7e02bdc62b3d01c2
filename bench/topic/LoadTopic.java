import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Fills a topic with records whose content follows from their number alone: 161 bytes of JSON each.
 *
 * <p>--brokers HOST:PORT --topic NAME --partitions N --from NUMBER --count N --codec none|lz4|zstd
 * --buckets N. Record n goes to partition n % partitions. Each of the N buckets is one minute, starting with
 * 2026. Records take the minutes in turn, so that each partition has records of every minute. Prints
 * "loaded N" every million records.
 */
public final class LoadTopic {
  private static final String TEMPLATE =
      "{\"id\":\"0000000000\",\"user\":\"00000000\",\"session\":\"0000000000000000\",\"event\":\"page_view\","
          + "\"path\":\"/products/00000000\",\"price\":\"0000.00\",\"agent\":\"Mozilla/5.0 (X11;)\"}";
  private static final long START_MS = 1_767_225_600_000L;
  private static final long MINUTE_MS = 60_000L;
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private LoadTopic() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> flags = new HashMap<>();
    for (int at = 0; at < args.length; at += 2) flags.put(args[at].substring(2), args[at + 1]);
    String topic = flags.get("topic");
    int partitions = Integer.parseInt(flags.get("partitions"));
    int buckets = Integer.parseInt(flags.get("buckets"));
    long from = Long.parseLong(flags.get("from"));
    long end = from + Long.parseLong(flags.get("count"));
    AtomicReference<Exception> failure = new AtomicReference<>();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings(flags))) {
      for (long number = from; number < end && failure.get() == null; number++) {
        long timeMs = START_MS + (number / partitions) % buckets * MINUTE_MS;
        int partition = (int) (number % partitions);
        producer.send(
            new ProducerRecord<>(topic, partition, timeMs, null, record(number)),
            (sent, error) -> {
              if (error != null) failure.compareAndSet(null, error);
            });
        if ((number + 1) % 1_000_000 == 0) System.out.println("loaded " + (number + 1));
      }
      producer.flush();
    }
    if (failure.get() != null) throw failure.get();
  }

  private static Properties settings(Map<String, String> flags) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", flags.get("brokers"));
    settings.put("compression.type", flags.get("codec"));
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    settings.put("batch.size", "65536");
    settings.put("linger.ms", "20");
    settings.put("buffer.memory", String.valueOf(64 * 1024 * 1024));
    return settings;
  }

  private static final byte[] BLANK = TEMPLATE.getBytes(StandardCharsets.US_ASCII);
  private static final int ID = offsetOf("\"id\":\"");
  private static final int USER = offsetOf("\"user\":\"");
  private static final int SESSION = offsetOf("\"session\":\"");
  private static final int PATH = offsetOf("/products/");
  private static final int PRICE = offsetOf("\"price\":\"");

  private static int offsetOf(String text) {
    return TEMPLATE.indexOf(text) + text.length();
  }

  private static byte[] record(long number) {
    byte[] bytes = BLANK.clone();
    long mixed = mix(number);
    decimal(bytes, ID, 10, number);
    hex(bytes, USER, 8, mixed & 0xfffff); // a million users
    hex(bytes, SESSION, 16, mixed);
    decimal(bytes, PATH, 8, (mixed >>> 20) % 50_000);
    decimal(bytes, PRICE, 4, (mixed >>> 40) % 1_000);
    return bytes;
  }

  private static void decimal(byte[] bytes, int offset, int digits, long value) {
    for (int at = offset + digits - 1; at >= offset; at--, value /= 10) bytes[at] = (byte) ('0' + value % 10);
  }

  private static void hex(byte[] bytes, int offset, int digits, long value) {
    for (int at = offset + digits - 1; at >= offset; at--, value >>>= 4) bytes[at] = HEX[(int) (value & 15)];
  }

  /** SplitMix64: numbers that look random, the same on every machine. */
  private static long mix(long number) {
    long z = number * 0x9e3779b97f4a7c15L + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
