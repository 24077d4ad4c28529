package lemma.core.chat;

import java.util.Map;

/// One turn of a conversation. Roles are `system`, `user`, `assistant` and, where a template knows it,
/// `tool`.
public record ChatMessage(String role, String content) {

  /// @throws IllegalArgumentException if the role is empty
  public ChatMessage {
    if (role.isEmpty()) throw new IllegalArgumentException("role must not be empty");
  }

  public static ChatMessage system(String content) {
    return new ChatMessage("system", content);
  }

  public static ChatMessage user(String content) {
    return new ChatMessage("user", content);
  }

  public static ChatMessage assistant(String content) {
    return new ChatMessage("assistant", content);
  }

  Map<String, Object> values() {
    return Map.of("role", role, "content", content);
  }
}
