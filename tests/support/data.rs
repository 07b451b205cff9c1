//! Real data kept outside the repository.

use std::path::PathBuf;

/// A file of the folder named by `LANEMARK_DATA`, which is `../shared/data` unless told otherwise.
/// Without it the test is skipped with a visible line, and fails under `CI=true`.
pub fn real_data(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LANEMARK_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join(file);
    if path.is_file() {
        return Some(path.canonicalize().unwrap());
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs the real data in {}", folder.display());
    println!("skipped: no {}", path.display());
    None
}
