//! What the content of a file shows it to be, whatever its name says.

use std::io::Cursor;

use crate::domain::attachment::{Content, FileKind};

/// Entries of a document looked at; a document of ours has far fewer.
const ENTRIES_MAX: usize = 10_000;
/// How far the first line of a mail may reach.
const HEAD_BYTES: usize = 2_000;
/// Heads of which a mail has one in its first lines.
const MAIL_HEADS: &[&str] = &[
    "from:",
    "to:",
    "date:",
    "subject:",
    "received:",
    "return-path:",
    "message-id:",
    "mime-version:",
    "delivered-to:",
];

/// Looks at the bytes of a file: its own marks first, then whether it is text.
#[must_use]
pub fn content_of(bytes: &[u8]) -> Content {
    let found = infer::get(bytes);
    if let Some(kind) = &found {
        match kind.mime_type() {
            "application/pdf" => return Content::Known(FileKind::Pdf),
            "image/png" => return Content::Known(FileKind::Png),
            "image/jpeg" => return Content::Known(FileKind::Jpeg),
            _ => {}
        }
    }
    if bytes.starts_with(b"PK") {
        return document(bytes);
    }
    let is_text = match std::str::from_utf8(bytes) {
        Ok(text) => !text.chars().any(is_odd),
        // Older programs write letters with accents as one byte each.
        Err(_) => {
            !bytes.iter().any(|byte| byte.is_ascii() && is_odd(char::from(*byte))) && is_mostly_ascii(bytes)
        }
    };
    match found {
        // Text that a browser or a shell would run is none that is taken.
        Some(kind)
            if !is_text || kind.matcher_type() == infer::MatcherType::Text || runs(kind.mime_type()) =>
        {
            Content::Other(kind.mime_type().to_owned())
        }
        _ if is_text => Content::Text { mail: is_mail(bytes) },
        _ => Content::Other(String::new()),
    }
}

/// Formats of plain letters that are more than text.
fn runs(mime: &str) -> bool {
    matches!(mime, "application/rtf" | "application/postscript" | "text/x-shellscript" | "image/svg+xml")
}

/// Whether at least three of four bytes are ASCII, as in text of one byte a letter.
fn is_mostly_ascii(bytes: &[u8]) -> bool {
    let ascii = bytes.iter().filter(|byte| byte.is_ascii()).count();
    ascii.saturating_mul(4) >= bytes.len().saturating_mul(3)
}

/// Control characters that text has no use for.
fn is_odd(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}')
}

/// An office document is a zip archive with known parts.
fn document(bytes: &[u8]) -> Content {
    let zip = || Content::Other("application/zip".to_owned());
    let Ok(archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return zip() };
    if archive.len() > ENTRIES_MAX {
        return zip();
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    if archive
        .file_names()
        .any(|name| name.is_ok_and(|name| name.to_ascii_lowercase().ends_with("vbaproject.bin")))
    {
        return Content::Macros;
    }
    match (has("[Content_Types].xml"), has("xl/workbook.xml"), has("word/document.xml")) {
        (true, true, false) => Content::Known(FileKind::Xlsx),
        (true, false, true) => Content::Known(FileKind::Docx),
        _ => zip(),
    }
}

/// Whether text begins with the head of a mail (RFC 5322).
fn is_mail(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(HEAD_BYTES)).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.trim_start_matches('\u{feff}').lines();
    let first_is_a_head = lines.clone().next().is_some_and(|line| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    first_is_a_head && lines.any(|line| MAIL_HEADS.iter().any(|head| line.starts_with(head)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zip_of(names: &[&str]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"<x/>").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn content_speaks_for_itself() {
        let known = |bytes: &[u8]| content_of(bytes);
        assert_eq!(known(b"%PDF-1.7\n1 0 obj"), Content::Known(FileKind::Pdf));
        assert_eq!(known(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Content::Known(FileKind::Png));
        assert_eq!(known(b"\xff\xd8\xff\xe0\0\x10JFIF"), Content::Known(FileKind::Jpeg));
        let types = "[Content_Types].xml";
        assert_eq!(known(&zip_of(&[types, "xl/workbook.xml"])), Content::Known(FileKind::Xlsx));
        assert_eq!(
            known(&zip_of(&["docProps/app.xml", "word/document.xml", types])),
            Content::Known(FileKind::Docx)
        );
        assert_eq!(known(&zip_of(&[types, "xl/workbook.xml", "xl/vbaProject.bin"])), Content::Macros);
        assert_eq!(known(&zip_of(&["run.exe"])), Content::Other("application/zip".to_owned()));
        assert_eq!(known(b"PK\x03\x04 and no more"), Content::Other("application/zip".to_owned()));
        assert_eq!(known("lane,price\nZürich,12\n".as_bytes()), Content::Text { mail: false });
        assert_eq!(known(b"lane,price\nZ\xfcrich,12\n"), Content::Text { mail: false }, "one byte a letter");
        assert_eq!(
            known(b"BMW,1\n"),
            Content::Text { mail: false },
            "a mark of another format can be a word"
        );
        assert_eq!(
            known(b"Received: from a\r\nFrom: ida@brk.example\r\n\r\nHello"),
            Content::Text { mail: true }
        );
        assert_eq!(known(b"Hello: all\n\nof you"), Content::Text { mail: false });
        for bad in [
            b"<!DOCTYPE html><script>".as_slice(),
            b"<html><body>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"#!/bin/sh\nrm -rf /",
            b"{\\rtf1 hello}",
            b"MZ\x90\0\x03\0\0\0",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
            b"a\0b",
            b"\xff\xfe\xfd",
        ] {
            assert!(matches!(known(bad), Content::Other(_)), "{bad:?}: {:?}", known(bad));
        }
    }

    #[test]
    fn a_workbook_of_our_own_is_one() {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.add_worksheet().write(0, 0, "rate").unwrap();
        assert_eq!(content_of(&book.save_to_buffer().unwrap()), Content::Known(FileKind::Xlsx));
    }
}
