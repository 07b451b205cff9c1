//! Files a reader can trust: documented, bounded, no leftovers, nothing unreferenced.

use super::{files, root};

/// Longest file of code; longer ones become a folder.
const MAX_LINES: usize = 1_100;
/// Longest line.
const MAX_COLUMNS: usize = 220;

#[test]
fn every_source_file_says_what_it_is() {
    for file in files(&root().join("src"), "rs") {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} has no module doc", file.display());
        assert!(
            text.lines().count() <= MAX_LINES,
            "{} is too long to read; make it a folder",
            file.display()
        );
        for (number, line) in text.lines().enumerate() {
            assert!(line.chars().count() <= MAX_COLUMNS, "{}:{} is too long", file.display(), number + 1);
        }
    }
}

#[test]
fn no_leftovers() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("dbg", "!(")];
    for folder in ["src", "tests", "benches", "templates"] {
        for ending in ["rs", "html", "txt"] {
            for file in files(&root().join(folder), ending) {
                let text = std::fs::read_to_string(&file).unwrap();
                for word in words {
                    assert!(!text.contains(word), "{} still has a {word}", file.display());
                }
            }
        }
    }
}

#[test]
fn pages_carry_no_inline_script_or_style() {
    for file in files(&root().join("templates"), "html") {
        if file.components().any(|part| part.as_os_str() == "mail") {
            // Mail readers know no stylesheet; styles there are attributes.
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for bad in [" style=", " onclick=", " onload=", " onsubmit=", "<style", "javascript:"] {
            assert!(!text.contains(bad), "{} has {bad}, which the content policy refuses", file.display());
        }
    }
}
