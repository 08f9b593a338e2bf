//! Texts that are no JSON object at all.

/// Each with what it is.
pub(super) fn no_objects() -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<(&str, Vec<u8>)> = [
        ("a list", "[]"),
        ("a text", "\"x\""),
        ("a number", "7"),
        ("null", "null"),
        ("an open object", "{"),
        ("a closed one", "}"),
        ("half a field", "{\"text\""),
        ("a field without a value", "{\"text\":}"),
        ("a comma too many", "{\"text\":\"x\",}"),
        ("a comma alone", "{,}"),
        ("two objects", "{}{}"),
        ("something after it", "{\"a\":1} x"),
        ("single quotes", "{'text':'x'}"),
        ("no quotes", "{text:\"x\"}"),
        ("a comment", "{/* x */}"),
        ("another comment", "{} // x"),
        ("a byte order mark", "\u{feff}{}"),
        ("a form", "text=x&a=b"),
        ("a page", "<html></html>"),
        ("a NUL", "\0"),
        ("a NUL after it", "{}\0"),
        ("a vertical tab before it", "\u{b}{}"),
    ]
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .to_vec();
    all.push(("deep lists", vec![b'['; 10_000]));
    all.push(("deep objects", b"{\"a\":".repeat(10_000)));
    all
}

/// Bytes that are no text: for bodies alone, since a frame of them closes the socket.
pub(super) fn no_texts() -> Vec<(&'static str, Vec<u8>)> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    vec![
        ("a byte that starts nothing", b"{\"text\":\"\xff\"}".to_vec()),
        ("half a character", b"{\"text\":\"\xe2\x82\"}".to_vec()),
        ("an overlong slash", b"{\"text\":\"\xc0\xaf\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"text\":\"\xed\xa0\x80\"}".to_vec()),
        ("UTF-16", wide("{\"text\":\"x\"}")),
        ("latin 1", b"{\"text\":\"caf\xe9\"}".to_vec()),
        ("random", (0..=255).collect()),
    ]
}
