//! Rust source with its comments, strings and characters blanked, so that a rule sees code alone.

/// Every character inside a comment or a literal becomes a space; lines stay where they are.
pub(super) fn code_only(source: &str) -> String {
    let mut reader = Reader { rest: source, code: String::with_capacity(source.len()) };
    while reader.step() {}
    reader.code
}

struct Reader<'a> {
    rest: &'a str,
    code: String,
}

impl Reader<'_> {
    /// Takes one token's worth. `false` at the end.
    fn step(&mut self) -> bool {
        if let Some(raw) = self.raw_string() {
            self.blank(raw);
        } else if self.rest.starts_with("//") {
            self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.blank(block_comment(self.rest));
        } else if self.rest.starts_with('"') {
            self.blank(quoted(self.rest));
        } else if let Some(length) = character(self.rest) {
            self.blank(length);
        } else if let Some(next) = self.rest.chars().next() {
            self.code.push(next);
            self.rest = &self.rest[next.len_utf8()..];
        } else {
            return false;
        }
        true
    }

    fn blank(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.code.extend(gone.chars().map(|it| if it == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }

    /// The length of `r"…"`, `r#"…"#`, `br"…"` here. A name that ends in `r` does not begin one.
    fn raw_string(&self) -> Option<usize> {
        if self.code.ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            return None;
        }
        let after_b = self.rest.strip_prefix('b').unwrap_or(self.rest);
        let marked = after_b.strip_prefix('r')?;
        let hashes = marked.len() - marked.trim_start_matches('#').len();
        let body = marked[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |place| place + end.len());
        Some(self.rest.len() - body.len() + length)
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut place = 0;
    while place < text.len() {
        let rest = &text.as_bytes()[place..];
        match rest {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                place += 1;
                continue;
            }
        }
        place += 2;
        if depth == 0 {
            return place;
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal here; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    if first == '\\' {
        // The character behind the backslash may be the quote itself.
        return inner.get(2..)?.find('\'').map(|place| place + 4);
    }
    inner[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::code_only;

    #[test]
    fn only_code_is_left() {
        let cases = [
            ("a(); // b()", "a();       "),
            ("a(\"b()\");", "a(     );"),
            (r#"a("\"b"); c"#, r"a(     ); c"),
            ("a(r#\"\"b\"#); c", "a(       ); c"),
            ("a(b'\"', '\\'', '\"'); c", "a(b   ,     ,    ); c"),
            ("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}"),
            ("/* a /* b */ c */ d", "                  d"),
            ("for \"x\" in", "for     in"),
            ("\"a\nb\" c", "  \n   c"),
            ("'ü' a", "    a"),
        ];
        for (source, code) in cases {
            assert_eq!(code_only(source), code, "{source}");
        }
    }
}
