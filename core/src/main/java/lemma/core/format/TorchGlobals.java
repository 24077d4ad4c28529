package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The few names that a checkpoint needs, and what each builds. There is no other.
///
/// | name | builds |
/// |---|---|
/// | `torch.FloatStorage`, … | the element type of a storage |
/// | `torch._utils._rebuild_tensor_v2`, `_rebuild_tensor` | a view: storage, offset, shape, strides |
/// | `torch._utils._rebuild_parameter` | the tensor in it |
/// | `collections.OrderedDict` | a dictionary |
final class TorchGlobals implements Pickle.Globals {
  private static final int MOST_AXES = 64;
  private static final Map<String, ElementType> STORAGES =
      Map.of(
          "torch.DoubleStorage", ElementType.F64,
          "torch.FloatStorage", ElementType.F32,
          "torch.HalfStorage", ElementType.F16,
          "torch.BFloat16Storage", ElementType.BF16,
          "torch.LongStorage", ElementType.I64,
          "torch.IntStorage", ElementType.I32,
          "torch.ShortStorage", ElementType.I16,
          "torch.CharStorage", ElementType.I8,
          "torch.ByteStorage", ElementType.U8,
          "torch.BoolStorage", ElementType.BOOL);

  private enum Function {
    TENSOR,
    PARAMETER,
    ORDERED_DICT
  }

  private record Storage(ElementType type, MemorySegment bytes) {}

  private final Path file;
  private final String folder;
  private final Map<String, MemorySegment> entries;
  private final ByteOrder order;

  TorchGlobals(Path file, String folder, Map<String, MemorySegment> entries, ByteOrder order) {
    this.file = file;
    this.folder = folder;
    this.entries = entries;
    this.order = order;
  }

  @Override
  public Object named(String global) {
    return switch (global) {
      case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor" -> Function.TENSOR;
      case "torch._utils._rebuild_parameter" -> Function.PARAMETER;
      case "collections.OrderedDict" -> Function.ORDERED_DICT;
      default -> STORAGES.get(global);
    };
  }

  @Override
  public Object call(Object callable, List<Object> arguments) {
    return switch (callable) {
      case Function.TENSOR -> tensor(arguments);
      case Function.PARAMETER -> {
        if (arguments.isEmpty() || !(arguments.get(0) instanceof TorchTensor tensor))
          throw bad("builds a parameter from something else than a tensor");
        yield tensor;
      }
      case Function.ORDERED_DICT -> {
        if (!arguments.isEmpty()) throw bad("builds an OrderedDict from arguments");
        yield new LinkedHashMap<>();
      }
      case null, default -> throw bad("calls what is no function");
    };
  }

  private TorchTensor tensor(List<Object> arguments) {
    if (arguments.size() < 4
        || !(arguments.get(0) instanceof Storage storage)
        || !(arguments.get(1) instanceof Long offset)
        || !(arguments.get(2) instanceof Pickle.Tuple shape)
        || !(arguments.get(3) instanceof Pickle.Tuple strides))
      throw bad("builds a tensor from something else than storage, offset, sizes and strides");
    try {
      return new TorchTensor(
          storage.type, storage.bytes, order, offset, sizes(shape), sizes(strides));
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          file, "a tensor of sizes %s %s".formatted(shape.values(), e.getMessage()), e);
    }
  }

  private long[] sizes(Pickle.Tuple tuple) {
    if (tuple.values().size() > MOST_AXES)
      throw bad("builds a tensor of more than " + MOST_AXES + " axes");
    return tuple.values().stream()
        .mapToLong(value -> {
          if (value instanceof Long size && size >= 0) return size;
          throw bad("builds a tensor whose sizes are no numbers");
        })
        .toArray();
  }

  /// `("storage", type, key, place, elements)` stands for an entry of the zip file.
  @Override
  public Object persistent(Object id) {
    if (!(id instanceof Pickle.Tuple(List<Object> parts))
        || parts.size() < 5
        || !"storage".equals(parts.get(0))
        || !(parts.get(1) instanceof ElementType type)
        || !(parts.get(2) instanceof String key)
        || !(parts.get(4) instanceof Long elements))
      throw bad("refers to something else than a storage");
    MemorySegment bytes = entries.get(folder + "data/" + key);
    if (bytes == null) throw bad("refers to storage " + key + ", which is missing");
    if (elements < 0
        || elements > Long.MAX_VALUE / 8
        || type.byteSize(elements) != bytes.byteSize())
      throw bad(
          "has storage %s of %d elements %s in %d bytes"
              .formatted(key, elements, type, bytes.byteSize()));
    return new Storage(type, bytes);
  }

  private FormatException bad(String problem) {
    return new FormatException(file, "its pickle " + problem);
  }
}
