//! What of the server's own knowledge `chinwag doctor` needs.

use std::path::Path;
use std::time::Duration;

pub use chinwag_store::{Examined, Whole};

use crate::config::TlsFiles;
use crate::tls;
pub use crate::tls::{SOON_DAYS as CERTIFICATE_SOON_DAYS, ends_s as certificate_ends_s};

/// The field with which a request says which one it is, for `admin::Act::ProbeEnd`.
pub const PROBE_FIELD: &str = crate::probe::FIELD;

/// Looks at the database in a folder, and changes nothing.
pub fn database(folder: &Path, within: Duration) -> anyhow::Result<Examined> {
    Ok(chinwag_store::examine(folder, within)?)
}

/// Whether there is a database in the folder.
#[must_use]
pub fn has_database(folder: &Path) -> bool {
    folder.join(chinwag_store::DATABASE_FILE).is_file()
}

/// Reads certificate and key as the server would, and tells the server's own certificate, in DER.
pub fn certificate(files: &TlsFiles) -> anyhow::Result<Vec<u8>> {
    Ok(tls::own(files)?)
}
