//! Text from outside, parsed once at the door into types that cannot be wrong.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::limit::{
    DRAFT_BYTES_MAX, GRAPHEME_BYTES_MAX, HANDLE_CHARS, NAME_BYTES_MAX, NAME_GRAPHEMES_MAX,
    PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, TEXT_BYTES_MAX,
};

/// What is wrong with a text, as the sentence that its author reads after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("must be 1 to {TEXT_BYTES_MAX} bytes of UTF-8")]
    Length,
    #[error("must be at most {DRAFT_BYTES_MAX} bytes of UTF-8")]
    Draft,
    #[error("must have something that can be seen")]
    Invisible,
    #[error("must not contain control characters")]
    Control,
    #[error(
        "must be 3 to 32 of the characters a-z, 0-9, _ and ., and start with a letter or digit"
    )]
    Handle,
    #[error("must be 1 to {NAME_GRAPHEMES_MAX} characters and at most {NAME_BYTES_MAX} bytes")]
    Name,
    #[error(
        "must be at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes"
    )]
    Password,
}

/// The text of a message: 1 to 16,384 bytes as typed, with something in it that can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageText<'a>(&'a str);

impl<'a> MessageText<'a> {
    pub fn new(text: &'a str) -> Result<Self, TextError> {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return Err(TextError::Length);
        }
        if !text.chars().any(is_visible) {
            return Err(TextError::Invisible);
        }
        if has_control(text) {
            return Err(TextError::Control);
        }
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// What someone has begun to write: up to 16,384 bytes, which may be nothing yet or nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftText(String);

impl DraftText {
    pub fn new(text: String) -> Result<Self, TextError> {
        if text.len() > DRAFT_BYTES_MAX {
            return Err(TextError::Draft);
        }
        if has_control(&text) {
            return Err(TextError::Control);
        }
        Ok(Self(text))
    }

    /// The draft, or none where there is none any more.
    #[must_use]
    pub fn as_option(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name by which a user signs in and is `@mentioned`: `[a-z0-9_.]{3,32}`, unique. ASCII alone,
/// so that no two look alike; upper case is folded, as people type it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Handle(String);

impl Handle {
    pub fn new(text: &str) -> Result<Self, TextError> {
        let handle = text.trim().to_ascii_lowercase();
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.';
        let starts_well = handle.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if !HANDLE_CHARS.contains(&handle.len()) || !handle.bytes().all(known) || !starts_well {
            return Err(TextError::Handle);
        }
        Ok(Self(handle))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a person or a room: NFC, one line, at most 64 characters and 256 bytes. What cannot be
/// seen is taken out, so that no two names look alike by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub fn new(text: &str) -> Result<Self, TextError> {
        let name = seen(text).split_whitespace().collect::<Vec<_>>().join(" ");
        if !name.chars().any(is_visible) {
            return Err(if text.is_empty() { TextError::Name } else { TextError::Invisible });
        }
        let too_tall = name.graphemes(true).any(|g| g.len() > GRAPHEME_BYTES_MAX);
        let too_long = name.graphemes(true).count() > NAME_GRAPHEMES_MAX;
        if name.len() > NAME_BYTES_MAX || too_tall || too_long {
            return Err(TextError::Name);
        }
        Ok(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password as typed. It is never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A new password: at least 8 characters, and not the handle or one of the very common ones.
    pub fn new(text: String, handle: &Handle) -> Result<Self, PasswordError> {
        let password = Self::typed(text)?;
        if password.0.chars().count() < PASSWORD_CHARS_MIN {
            return Err(TextError::Password.into());
        }
        let folded = password.0.to_lowercase();
        if folded == handle.0 || COMMON_PASSWORDS.lines().any(|common| common == folded) {
            return Err(PasswordError::Common);
        }
        Ok(password)
    }

    /// A password that is only compared with an old one.
    pub fn typed(text: String) -> Result<Self, TextError> {
        if text.is_empty() || text.len() > PASSWORD_BYTES_MAX {
            return Err(TextError::Password);
        }
        Ok(Self(text))
    }

    /// The password itself, for hashing and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("is one of the first that anyone would try; choose another")]
    Common,
}

/// The passwords of eight and more characters that head every published list of leaked ones.
const COMMON_PASSWORDS: &str = include_str!("common_passwords.txt");

/// A text without what leaves no mark, but for what shapes its neighbours; NFC.
fn seen(text: &str) -> String {
    let composed: String = text.nfc().collect();
    let mut seen = String::with_capacity(composed.len());
    let mut rest = composed.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = rest.next() {
        let (before, after) = (seen.chars().next_back(), rest.peek().copied());
        if is_visible(c) || c.is_whitespace() || shapes(before, c, after) {
            seen.push(c);
        }
    }
    // What something unseen had parted may compose now.
    seen.nfc().collect()
}

/// True for an unseen character that shapes the visible one before it: a joiner within emoji or a
/// script that joins (as RFC 5892, A.1 and A.2, has it), a selector, a tag of a flag.
fn shapes(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let after = after.unwrap_or(' ');
    match c {
        '\u{200c}' | '\u{200d}' => {
            (joins(before) && joins(after)) || (ends_emoji(before) && is_emoji(after))
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        '\u{fe00}'..='\u{fe0f}' if after == '\u{20e3}' => {
            matches!(before, '0'..='9' | '#' | '*')
        }
        '\u{fe00}'..='\u{fe0f}' => is_emoji(before) || is_han(before),
        '\u{e0020}'..='\u{e007f}' => matches!(before, '\u{1f3f4}' | '\u{e0020}'..='\u{e007e}'),
        '\u{e0100}'..='\u{e01ef}' => is_han(before),
        _ => false,
    }
}

/// A letter or mark of Arabic and its kin, of India, Myanmar, the Khmer or the Mongols.
fn joins(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{0dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
        && is_visible(c)
}

/// A pictograph; arrows and signs lie between them.
fn is_emoji(c: char) -> bool {
    matches!(c, '©' | '®' | '‼' | '⁉' | '™' | 'ℹ' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{2328}'
        | '\u{232b}'..='\u{27bf}' | '\u{2900}'..='\u{2bff}' | '〰' | '〽' | '㊗' | '㊙'
        | '\u{1f000}'..='\u{1faff}')
        && is_visible(c)
}

/// A pictograph or the selector of one.
fn ends_emoji(c: char) -> bool {
    is_emoji(c) || c == '\u{fe0f}'
}

/// A character that has variants told apart by a selector.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// True for what has no place in a text of several lines.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
}

fn has_control(text: &str) -> bool {
    if text.is_ascii() {
        // Every byte is looked at, which the compiler turns into a few wide instructions.
        return text.bytes().fold(false, |found, byte| found | is_control(char::from(byte)));
    }
    text.chars().any(is_control)
}

/// False for what leaves no mark: white space, controls, joiners, selectors, fillers, tags.
fn is_visible(c: char) -> bool {
    let unseen = matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !unseen && !c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn handle() -> Handle {
        Handle::new("ann").expect("a good handle")
    }

    #[test]
    fn a_text_is_1_to_16384_bytes() {
        assert!(MessageText::new(&"x".repeat(TEXT_BYTES_MAX)).is_ok());
        assert_eq!(MessageText::new(&"x".repeat(TEXT_BYTES_MAX + 1)), Err(TextError::Length));
        assert_eq!(MessageText::new(""), Err(TextError::Length));
    }

    #[test]
    fn a_text_must_show_something_and_hide_nothing() {
        for text in [" \n\t", "\u{200b}\u{2060}", "\u{3164}", "\u{feff}"] {
            assert_eq!(MessageText::new(text), Err(TextError::Invisible), "{text:?}");
        }
        assert_eq!(MessageText::new("a\0b"), Err(TextError::Control));
        assert!(MessageText::new("two\nlines\tand a tab").is_ok());
    }

    #[test]
    fn a_draft_is_up_to_16384_bytes_and_may_be_nothing() {
        let new = |text: &str| DraftText::new(text.to_owned());
        assert_eq!(new("").map(|draft| draft.as_option().is_none()), Ok(true));
        assert!(new(" ").is_ok_and(|draft| draft.as_option() == Some(" ")), "as it was typed");
        assert!(new(&"x".repeat(DRAFT_BYTES_MAX)).is_ok());
        assert_eq!(new(&"x".repeat(DRAFT_BYTES_MAX + 1)), Err(TextError::Draft));
        assert_eq!(new("a\0b"), Err(TextError::Control));
    }

    #[test]
    fn a_handle_is_folded_and_plain() {
        assert_eq!(Handle::new(" Ann.B ").map(|h| h.0), Ok("ann.b".to_owned()));
        for text in ["ab", "änn", "ann!", ".ann", "_ann", "а\u{0301}nn", "a b", &"a".repeat(33)] {
            assert_eq!(Handle::new(text), Err(TextError::Handle), "{text}");
        }
    }

    #[test]
    fn a_name_is_one_clean_line() {
        assert_eq!(Name::new("  Ann\n\u{202e} B ").map(|n| n.0), Ok("Ann B".to_owned()));
        assert_eq!(Name::new("e\u{0301}").map(|n| n.0), Ok("é".to_owned()));
        assert_eq!(Name::new("\u{200b}"), Err(TextError::Invisible));
        assert_eq!(Name::new(&"n".repeat(65)), Err(TextError::Name));
        assert_eq!(Name::new(&format!("z{}", "\u{0316}".repeat(40))), Err(TextError::Name));
    }

    #[test]
    fn a_name_hides_nothing() {
        let cleaned = |text: &str| Name::new(text).map(|name| name.0);
        let unseen = "\u{ad}\u{34f}\u{115f}\u{180b}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\
                      \u{2800}\u{3164}\u{fe0e}\u{fe0f}\u{feff}\u{fffb}\u{e0062}\u{e0100}";
        for c in unseen.chars() {
            for text in [format!("b{c}ob"), format!("{c}bob"), format!("bo{c}{c}b{c}")] {
                assert_eq!(cleaned(&text), Ok("bob".to_owned()), "{text:?}");
            }
        }
        assert_eq!(cleaned("e\u{200b}\u{301}"), Ok("é".to_owned()));
        assert_eq!(
            cleaned("👩\u{200d}\u{200d}👩\u{fe0f}\u{fe0f}\u{200d}"),
            cleaned("👩\u{200d}👩\u{fe0f}")
        );
    }

    #[test]
    fn a_name_keeps_what_shapes_it() {
        for name in [
            "👩\u{200d}👩\u{200d}👧\u{200d}👦 family",
            "👩🏽\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3} 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "葛\u{e0100}城",
        ] {
            assert_eq!(Name::new(name).map(|n| n.0), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_password_is_long_and_uncommon_and_unseen() {
        let new = |text: &str| Password::new(text.to_owned(), &handle());
        assert_eq!(new("short"), Err(TextError::Password.into()));
        assert_eq!(new(&"x".repeat(1_025)), Err(TextError::Password.into()));
        assert_eq!(new("Password1"), Err(PasswordError::Common));
        assert_eq!(new("correct horse").map(|p| format!("{p:?}")), Ok("Password(…)".to_owned()));
    }

    proptest! {
        #[test]
        fn cleaning_a_name_twice_changes_nothing(
            text in "\\PC{0,80}|[ae=<1क\u{94d}می❤👩葛\u{2329}\u{301}\u{338}\u{20e3}\u{200b}-\u{200f}\u{fe0f}\u{1f3f4}\u{e0067}\u{e007f}\u{e0100}]{0,20}"
        ) {
            if let Ok(name) = Name::new(&text) {
                prop_assert_eq!(Name::new(name.as_str()), Ok(name));
            }
        }
    }
}
