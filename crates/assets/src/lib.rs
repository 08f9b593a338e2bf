//! The web app, built by this crate's build script and embedded, ready to be sent: each file as it
//! is, and compressed as far as that saves anything.
//!
//! Where the app comes from:
//! 1. `CHINWAG_WEB_DIST=folder` names a finished build; `CHINWAG_WEB_DIST=none` leaves the app out.
//! 2. Else `web/` is built with Node, anew only when its content changed.
//! 3. Without Node a page is embedded that says so. All else works.

/// A file of the web app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Where it is found, from `/`.
    pub path: &'static str,
    /// The value of `Content-Type`.
    pub mime: &'static str,
    /// A strong entity tag, in its quotes (RFC 9110, 8.8.3). Of the file as it is: what is sent
    /// compressed is another representation and needs a tag of its own, or `Vary` and no tag.
    pub etag: &'static str,
    /// True where the name holds a hash of the content, so that a copy is good for ever.
    pub immutable: bool,
    pub bytes: &'static [u8],
    /// The same with `Content-Encoding: br`, where that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The same with `Content-Encoding: gzip`, where that is smaller.
    pub gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The file at a path; `/` is `/index.html`. None for any other: the app has no pages of its own.
#[must_use]
pub fn asset(path: &str) -> Option<&'static Asset> {
    let path = if path == "/" { "/index.html" } else { path };
    let index = ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    ASSETS.get(index)
}

/// All files, by path.
#[must_use]
pub fn assets() -> &'static [Asset] {
    ASSETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_page() {
        let page = asset("/").expect("there is always a page");
        assert_eq!(page.path, "/index.html");
        assert_eq!(page.mime, "text/html; charset=utf-8");
        assert!(!page.immutable, "a page that is kept for ever is never updated");
    }

    #[test]
    fn every_file_is_found_by_its_path() {
        for file in assets() {
            assert_eq!(asset(file.path), Some(file));
        }
    }

    #[test]
    fn nothing_else_is_found() {
        for path in ["", "index.html", "/index", "//", "/../Cargo.toml", "/index.html.br"] {
            assert_eq!(asset(path), None, "{path}");
        }
    }

    #[test]
    fn compressed_forms_are_smaller() {
        for file in assets() {
            for small in [file.brotli, file.gzip].into_iter().flatten() {
                assert!(small.len() < file.bytes.len(), "{}", file.path);
            }
        }
    }

    #[test]
    fn a_tag_is_quoted_and_names_one_content() {
        let mut tags: Vec<_> = assets().iter().map(|file| (file.etag, file.bytes)).collect();
        assert!(
            tags.iter()
                .all(|(tag, _)| tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'))
        );
        tags.sort_unstable();
        tags.dedup();
        assert!(tags.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }
}
