//! Tests of this part.

use std::io::Write as _;

use super::*;

type Found = (Vec<String>, Vec<(u64, Vec<String>)>);

fn drain(mut table: TableReader) -> Result<Found, FeedError> {
    let (mut row, mut rows) = (Row::new(), Vec::new());
    while table.read_row(&mut row)? {
        rows.push((row.number(), row.iter().map(str::to_owned).collect()));
    }
    Ok((table.headers().to_vec(), rows))
}

fn read_as(bytes: &[u8], name: &str, encoding: Option<&str>) -> Result<Found, FeedError> {
    let reader = Box::new(std::io::Cursor::new(bytes.to_vec()));
    drain(TableReader::from_reader(reader, name, 0, delimiter_of_name(name), encoding)?)
}

fn read(bytes: &[u8]) -> Result<Found, FeedError> {
    read_as(bytes, "t.csv", None)
}

fn rows(found: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
    found.iter().map(|(n, cells)| (*n, cells.iter().map(|c| (*c).to_owned()).collect())).collect()
}

#[track_caller]
fn says(found: Result<Found, FeedError>, wanted: &[&str]) {
    let said = found.map(|(_, rows)| format!("{} rows", rows.len())).unwrap_err().to_string();
    for part in wanted {
        assert!(said.contains(part), "`{said}` lacks `{part}`");
    }
}

/// A reader that never ends.
struct Endless(&'static [u8]);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for (slot, byte) in buffer.iter_mut().zip(self.0.iter().cycle()) {
            *slot = *byte;
        }
        Ok(buffer.len())
    }
}

#[test]
fn every_line_end_gives_the_same_rows_with_their_numbers() {
    let wanted = rows(&[(2, &["1", "x\ny"]), (4, &["2", ""]), (5, &["3"])]);
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "1,\"x\ny\"", "", "2,", "3", ""].join(end);
        let (headers, found) = read(text.as_bytes()).unwrap();
        assert_eq!(headers, ["a", "b"]);
        assert_eq!(found, wanted, "{end:?}");
        // The same without the last line end.
        assert_eq!(read(text.trim_end().as_bytes()).unwrap().1, wanted, "{end:?}");
    }
}

#[test]
fn the_delimiter_is_found_or_told_by_the_extension() {
    for (text, name) in [("a;b\n1;2,5\n", "t.csv"), ("a\tb\n1\t2,5\n", "t.tsv"), ("a|b\n1|2,5\n", "t.txt")] {
        assert_eq!(read_as(text.as_bytes(), name, None).unwrap().1, rows(&[(2, &["1", "2,5"])]), "{name}");
    }
    let quoted = "\"a;b;c\",d\n1,2\n";
    assert_eq!(read(quoted.as_bytes()).unwrap().0, ["a;b;c", "d"]);
}

#[test]
fn encodings_by_mark_or_by_declaration() {
    let text = "a,b\nCôte d'Ivoire,€\n";
    let wanted = rows(&[(2, &["Côte d'Ivoire", "€"])]);
    assert_eq!(
        read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap(),
        (vec!["a".into(), "b".into()], wanted.clone())
    );
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = [0xfeff].iter().chain(&units).flat_map(|u| u.to_le_bytes()).collect();
    let big: Vec<u8> = [0xfeff].iter().chain(&units).flat_map(|u| u.to_be_bytes()).collect();
    assert_eq!(read(&little).unwrap().1, wanted);
    assert_eq!(read(&big).unwrap().1, wanted);
    assert_eq!(read_as(&little[2..], "t.csv", Some("utf-16le")).unwrap().1, wanted);
    says(read(&little[2..]), &["t.csv", "utf-16le"]);
    let latin = b"a,b\nC\xf4te d'Ivoire,x\n";
    assert_eq!(read_as(latin, "t.csv", Some("latin1")).unwrap().1, rows(&[(2, &["Côte d'Ivoire", "x"])]));
    says(read(latin), &["row 2", "column `a`", "byte 2", "0xF4", "encoding = \"latin1\""]);
    says(read(b"a,b\n\xc3,\xa9\n"), &["row 2", "column `a`"]);
    says(read_as(latin, "t.csv", Some("klingon")), &["klingon"]);
    // Half a UTF-16 pair.
    says(read(b"\xff\xfea\0,\0b\0\n\0\x00\xd8x\0"), &["not UTF-16LE"]);
}

#[test]
fn files_without_content_and_headers_that_repeat() {
    for empty in [&b""[..], b"\n\n\n", b"\xef\xbb\xbf", b"\r\r"] {
        says(read(empty), &["t.csv", "empty"]);
    }
    assert_eq!(read(b"a,b").unwrap(), (vec!["a".to_owned(), "b".to_owned()], vec![]));
    says(read(b"a,b, a\n"), &["`a`", "columns 1 and 3"]);
    assert_eq!(read(b"a,,\n1,,\n,,\n").unwrap().1, rows(&[(2, &["1", "", ""])]));
}

/// Checks bytes as a file.
fn check(bytes: &[u8]) -> Result<u64, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let name = file.path().display().to_string();
    TableReader::check(file.path(), None).map_err(|error| error.to_string().replace(&name, "t.csv"))
}

/// A reader without the short way, so that the two can be compared.
fn check_row_by_row(bytes: &[u8]) -> Result<u64, FeedError> {
    let reader = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let (mut table, mut row) = (TableReader::from_reader(reader, "t.csv", 0, None, None)?, Row::new());
    let mut rows = 0;
    while table.rows.read_any(&mut row)? {
        rows += 1;
    }
    Ok(rows)
}

proptest::proptest! {
    /// Whatever the bytes, the short way counts the same rows and stops at the same row for the same reason.
    #[test]
    fn checking_a_file_says_what_reading_it_row_by_row_says(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "a", "1,2", ",", "\"", "\"x\ny\"", "\n", "\r", "\r\n", "é", "plain,row\n", "\n\n", ",,\n",
            "\u{fffd}bad", "a long line without an end that goes on and on,",
        ]), 0..60),
        wide in proptest::option::of(1_020_usize..1_030),
        again in 1_usize..3_000,
    ) {
        let mut bytes = b"h1,h2\n".to_vec();
        // Longer than one chunk where `again` is large.
        for _ in 0..again {
            bytes.extend_from_slice(b"x,some text that fills the line up to a usual length\r\n");
        }
        for piece in &pieces {
            match piece.strip_suffix("bad") {
                Some(_) => bytes.push(0xff),
                None => bytes.extend_from_slice(piece.as_bytes()),
            }
        }
        if let Some(wide) = wide {
            bytes.extend_from_slice(",".repeat(wide).as_bytes());
            bytes.push(b'\n');
        }
        let wanted = check_row_by_row(&bytes).map_err(|error| error.to_string());
        proptest::prop_assert_eq!(check(&bytes), wanted);
    }
}

/// Reads to the end without keeping anything; a reader that never ends must fail, not run on.
fn exhaust(table: Result<TableReader, FeedError>) -> Result<Found, FeedError> {
    const ENOUGH: u64 = 8 << 20;
    let (mut table, mut row) = (table?, Row::new());
    while table.read_row(&mut row)? {
        assert!(row.number() < ENOUGH, "the reader does not stop");
    }
    Ok((Vec::new(), Vec::new()))
}

#[test]
fn a_line_that_never_ends_fails_fast() {
    let endless = |start: &'static [u8], rest| {
        let reader = Box::new(start.chain(Endless(rest)));
        exhaust(TableReader::from_reader(reader, "t.csv", 0, None, None))
    };
    for (start, rest) in [(&b"a,b\n1,"[..], &b"x"[..]), (b"a,b\n1,\"", b"x\ny,"), (b"a,b\n1,\"", b"\"\"")] {
        says(endless(start, rest), &["row 2", "MAX_LINE_BYTES", "1048576"]);
    }
    says(endless(b"", b"x"), &["row 1", "MAX_LINE_BYTES"]);
    says(endless(b"a,b\n", b","), &["row 2", "MAX_COLUMNS", "1024"]);
}

#[test]
fn a_quote_never_closed_does_not_swallow_rows() {
    says(read(b"a,b\n1,\"x\n2,y\n3,z\n"), &["row 2", "never closed"]);
    assert_eq!(read(b"a,b\n1,\"x\"").unwrap().1, rows(&[(2, &["1", "x"])]));
    assert_eq!(read(b"a,b\n1,5\" pipe\n").unwrap().1, rows(&[(2, &["1", "5\" pipe"])]));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_unfolded_within_limits() {
    // Several members in one file are one text.
    let parts = [gzip(b"a,b\n1,2\n"), gzip(b"3,4\n")].concat();
    assert_eq!(read(&parts).unwrap().1, rows(&[(2, &["1", "2"]), (3, &["3", "4"])]));
    let bomb = gzip(&b"a,b\n".repeat(6 << 20));
    let table = TableReader::from_reader(Box::new(std::io::Cursor::new(bomb)), "t.csv.gz", 0, None, None);
    says(exhaust(table), &["MAX_INFLATE_RATIO", "250"]);
    says(read(&parts[..parts.len() - 12]), &["t.csv", "reading failed"]);
}

fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn a_workbook_reads_like_a_csv() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let day = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    let stamp = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["id", "day", "at", "kg", "note"]).unwrap();
    for row in [2, 3] {
        sheet.write(row, 0, "A1").unwrap();
        let date = rust_xlsxwriter::ExcelDateTime::from_ymd(2025, 3, 10).unwrap();
        sheet.write_with_format(row, 1, &date, &day).unwrap();
        sheet.write_with_format(row, 2, date.and_hms(9, 30, 0).unwrap(), &stamp).unwrap();
        sheet.write(row, 3, 12.5).unwrap();
    }
    sheet.write(3, 5, "beyond the header").unwrap();
    // A lone cell at the far corner costs no rectangle.
    sheet.write(1_048_575, 0, "last").unwrap();
    let (_folder, path) = folder_with("t.xlsx", &book.save_to_buffer().unwrap());
    let table = TableReader::open(&path, None).unwrap();
    assert!(table.bytes_total() > 0);
    let (headers, found) = drain(table).unwrap();
    assert_eq!(headers, ["id", "day", "at", "kg", "note"]);
    let cells = ["A1", "2025-03-10", "2025-03-10T09:30:00", "12.5", ""];
    let mut long = cells.to_vec();
    long.push("beyond the header");
    assert_eq!(found, rows(&[(3, &cells), (4, &long), (1_048_576, &["last", "", "", "", ""])]));
}

#[test]
fn a_workbook_bomb_is_refused_before_it_is_opened() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..=256 {
        archive.write_all(&zeros).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 << 20);
    let (_folder, path) = folder_with("bomb.xlsx", &bytes);
    says(
        TableReader::open(&path, None).and_then(drain),
        &["bomb.xlsx", "MAX_XLSX_INFLATED_BYTES", "268435456"],
    );
    let (_folder, path) = folder_with("no.xlsx", b"PK\x03\x04 and then nothing");
    says(TableReader::open(&path, None).and_then(drain), &["no.xlsx", "cannot be read"]);
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    says(
        TableReader::open(&folder.path().join("gone.csv"), None).and_then(drain),
        &["gone.csv", "cannot be opened"],
    );
    says(TableReader::open(folder.path(), None).and_then(drain), &["folder"]);
}

proptest::proptest! {
    /// What a csv writer writes is read back, whatever the cells hold.
    #[test]
    fn reads_back_what_was_written(cells in proptest::collection::vec(proptest::array::uniform3("[a-z,;\"\\r\\n é]{0,9}"), 0..20)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["one", "two", "three"]).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let (_, found) = read(&writer.into_inner().unwrap()).unwrap();
        let wanted: Vec<Vec<String>> = cells.iter().filter(|row| row.iter().any(|c| !c.is_empty())).map(|row| row.to_vec()).collect();
        proptest::prop_assert_eq!(found.into_iter().map(|(_, cells)| cells).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }
}
