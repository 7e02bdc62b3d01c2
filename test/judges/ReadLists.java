import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;

/**
 * Reads a Parquet file by parquet-java's own record assembly, and prints the fields `tags` and `deep` of each row as
 * JSON. parquet-cli shows lists of three levels as null, whoever has written them.
 */
public final class ReadLists {
  private ReadLists() {}

  public static void main(String[] args) throws Exception {
    StringBuilder out = new StringBuilder();
    try (ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), new Path(args[0])).build()) {
      for (Group row = reader.read(); row != null; row = reader.read()) {
        out.append('[').append(list(row, "tags")).append(',').append(list(row, "deep")).append("]\n");
      }
    }
    System.out.print(out);
  }

  private static String list(Group parent, String field) {
    if (parent.getFieldRepetitionCount(field) == 0) return "null";
    Group list = parent.getGroup(field, 0);
    StringBuilder out = new StringBuilder("[");
    int length = list.getFieldRepetitionCount("list");
    for (int at = 0; at < length; at++) {
      if (at > 0) out.append(',');
      out.append(element(list.getGroup("list", at)));
    }
    return out.append(']').toString();
  }

  private static String element(Group slot) {
    if (slot.getFieldRepetitionCount("element") == 0) return "null";
    if (!slot.getType().getType("element").isPrimitive()) return list(slot, "element");
    String text = slot.getValueToString(0, 0);
    return slot.getType().getType("element").asPrimitiveType().getLogicalTypeAnnotation() == null
        ? text
        : '"' + text + '"';
  }
}
