/// Conversations as the text that a chat model was trained on.
///
/// | type | what it is |
/// |---|---|
/// | [ChatTemplate] | a model's own template, from its folder |
/// | [ChatMessage] | who says what |
///
/// The language of the templates is [lemma.core.jinja.Template].
package lemma.core.chat;
