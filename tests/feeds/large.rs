//! Files made to be too much: small on the disk, huge when read. They fail in a bounded time and a
//! bounded memory.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{HEADER, stored, tms};
use crate::support::db::{TestDb, on_both};
use crate::support::process::Desk;

/// What a command that fails early may hold; the files would unfold to 2 GiB.
const PEAK_BYTES_MAX: u64 = 160 << 20;
/// Far more than a limit needs to be noticed, far less than reading the file would take.
const TIME_MAX: Duration = Duration::from_secs(30);
const MIB: usize = 1 << 20;
const PIECES: usize = 2_048;

/// Writes gzip that unfolds to `head`, then 2 GiB of `piece` over and over.
fn write_gzip(path: &Path, head: &str, piece: &[u8]) {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let body: Vec<u8> = piece.iter().copied().cycle().take(MIB).collect();
    let body = member(&body);
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(&member(head.as_bytes())).unwrap();
    for _ in 0..PIECES {
        file.write_all(&body).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

#[track_caller]
fn refused(db: &TestDb, name: &str, write: impl FnOnce(&Path), parts: &[&str]) {
    let desk = Desk::new(db);
    desk.file("tms.toml", tms(""));
    write(&desk.path(name));
    let begun = Instant::now();
    let running = desk.start(&["import", "shipments", name, "--mapping", "tms.toml"], &[]);
    let (said, peak) = running.end_measured();
    said.ends(1).complains(parts);
    assert!(begun.elapsed() < TIME_MAX, "{name} took {:?}", begun.elapsed());
    assert!(peak > 0 && peak < PEAK_BYTES_MAX, "{name} took {} MiB", peak >> 20);
    assert_eq!(stored(db), (0, 0), "{name}: nothing is half-loaded");
}

#[test]
fn a_line_of_two_gibibytes() {
    let head = format!("{HEADER}\nA1,C,1,10.03.2025,,\nA2,");
    on_both(|db| {
        let line = |path: &Path| write_gzip(path, &head, b"x");
        refused(
            &db,
            "line.csv.gz",
            line,
            &["line.csv.gz, row 3", "MAX_LINE_BYTES = 1048576", "missing line ends"],
        );
        // The same in a header, in one quoted cell of many lines, in cells without end, and with zeros.
        let header = |path: &Path| write_gzip(path, "Load,", b"x");
        refused(&db, "header.csv.gz", header, &["header.csv.gz, row 1", "MAX_LINE_BYTES"]);
        let quoted = |path: &Path| write_gzip(path, &format!("{head}\""), b"one line\n");
        refused(&db, "quote.csv.gz", quoted, &["row 3", "MAX_LINE_BYTES", "a quote that is never closed"]);
        let commas = |path: &Path| write_gzip(path, &head, b",");
        refused(&db, "commas.csv.gz", commas, &["row 3", "MAX_COLUMNS = 1024"]);
        let sparse = |path: &Path| File::create(path).unwrap().set_len(2 << 30).unwrap();
        refused(&db, "sparse.csv", sparse, &["sparse.csv", "zero bytes"]);
    });
}

#[test]
fn a_file_that_unfolds_too_far() {
    on_both(|db| {
        let lines = |path: &Path| write_gzip(path, &format!("{HEADER}\n"), b"A,C,1,10.03.2025,,\n");
        refused(
            &db,
            "lines.csv.gz",
            lines,
            &["lines.csv.gz, row ", "MAX_INFLATE_RATIO = 250", "unpack it yourself"],
        );
        let bomb = |path: &Path| {
            let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
            archive.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
            let blanks = vec![b' '; MIB];
            (0..300).for_each(|_| archive.write_all(&blanks).unwrap());
            archive.finish().unwrap();
        };
        refused(
            &db,
            "bomb.xlsx",
            bomb,
            &["bomb.xlsx", "MAX_XLSX_INFLATED_BYTES = 268435456", "export the sheet as csv"],
        );
    });
}
