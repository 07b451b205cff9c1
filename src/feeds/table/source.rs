//! Bytes of a file as UTF-8 text: counted, unfolded within limits, decoded.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use flate2::read::MultiGzDecoder;

use super::{INFLATE_RATIO_FREE_BYTES, MAX_INFLATE_RATIO, MAX_INFLATED_BYTES};
use crate::feeds::FeedError;

/// Bytes read from the file at a time.
const CHUNK_BYTES: usize = 128 << 10;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// The text of a file, chunk by chunk.
pub(super) struct Source {
    pub(super) file: String,
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    total: u64,
    chunk: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
}

impl Source {
    pub(super) fn open(
        reader: Box<dyn Read + Send>,
        file: &str,
        total: u64,
        encoding: Option<&str>,
    ) -> Result<Self, FeedError> {
        let failed = |source| FeedError::Read { file: file.to_owned(), row: 0, source };
        let declared = encoding.map(encoding_named).transpose()?;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: reader, read: Arc::clone(&read) };
        let (magic, plain) = peek(Box::new(counted), GZIP_MAGIC.len()).map_err(failed)?;
        let plain: Box<dyn Read + Send> = if magic == GZIP_MAGIC {
            Box::new(Inflated { inner: MultiGzDecoder::new(plain), out: 0, read: Arc::clone(&read) })
        } else {
            plain
        };
        let (head, plain) = peek(plain, CHUNK_BYTES.min(4 << 10)).map_err(|e| inflate_error(file, 0, e))?;
        let marked = Encoding::for_bom(&head);
        let chosen = marked.map_or(declared.unwrap_or(encoding_rs::UTF_8), |(found, _)| found);
        let utf8 = chosen == encoding_rs::UTF_8;
        if let Some(zero) = head.iter().position(|byte| *byte == 0).filter(|_| utf8) {
            let line = 1 + head.iter().take(zero).filter(|byte| **byte == b'\n').count();
            return Err(FeedError::NotText { file: file.to_owned(), line });
        }
        let mark = marked.map_or(0, |(_, length)| length);
        let (_, plain) = skip(plain, mark).map_err(failed)?;
        let reader = if utf8 {
            plain
        } else {
            Box::new(Decoded::new(plain, chosen.new_decoder_without_bom_handling()))
        };
        Ok(Self {
            file: file.to_owned(),
            reader,
            read,
            total,
            chunk: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            at_end: false,
        })
    }

    /// The bytes at hand, reading more when there are none; empty at the end of the file.
    #[inline]
    pub(super) fn fill(&mut self, row: u64) -> Result<&[u8], FeedError> {
        if self.start >= self.end && !self.at_end {
            self.start = 0;
            self.end = 0;
            self.end = self.read_chunk(row)?;
            self.at_end = self.end == 0;
        }
        Ok(self.chunk.get(self.start..self.end).unwrap_or_default())
    }

    fn read_chunk(&mut self, row: u64) -> Result<usize, FeedError> {
        loop {
            match self.reader.read(&mut self.chunk) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(inflate_error(&self.file, row, e)),
            }
        }
    }

    /// Marks bytes of the last [`Source::fill`] as used.
    #[inline]
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Bytes of the file read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn bytes_total(&self) -> u64 {
        self.total
    }
}

fn encoding_named(label: &str) -> Result<&'static Encoding, FeedError> {
    Encoding::for_label(label.trim().as_bytes())
        .filter(|found| *found != encoding_rs::REPLACEMENT)
        .ok_or_else(|| FeedError::UnknownEncoding(label.to_owned()))
}

/// The first bytes of a reader (fewer at its end), and a reader that still gives them.
fn peek(mut reader: Box<dyn Read + Send>, wanted: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    reader.by_ref().take(u64::try_from(wanted).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(io::Cursor::new(head).chain(reader))))
}

fn skip(mut reader: Box<dyn Read + Send>, bytes: usize) -> io::Result<(usize, Box<dyn Read + Send>)> {
    let mut gone = vec![0; bytes];
    reader.read_exact(&mut gone)?;
    Ok((bytes, reader))
}

/// Counts what passes, for the progress bar and the inflate ratio.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(n)
    }
}

/// Which limit unfolding hit; carried through `io::Error` to [`inflate_error`].
#[derive(Debug, thiserror::Error)]
enum InflateLimit {
    #[error("too many bytes")]
    Bytes,
    #[error("too high a ratio")]
    Ratio,
}

/// Gzip unfolded within [`MAX_INFLATED_BYTES`] and [`MAX_INFLATE_RATIO`].
struct Inflated {
    inner: MultiGzDecoder<Box<dyn Read + Send>>,
    out: u64,
    read: Arc<AtomicU64>,
}

impl Read for Inflated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.out = self.out.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        if self.out > MAX_INFLATED_BYTES {
            return Err(io::Error::other(InflateLimit::Bytes));
        }
        let allowed = self.read.load(Ordering::Relaxed).saturating_mul(MAX_INFLATE_RATIO);
        if self.out > INFLATE_RATIO_FREE_BYTES && self.out > allowed {
            return Err(io::Error::other(InflateLimit::Ratio));
        }
        Ok(n)
    }
}

/// An error of reading, with the limits told apart.
fn inflate_error(file: &str, row: u64, source: io::Error) -> FeedError {
    let (constant, limit) = match source.get_ref().and_then(|e| e.downcast_ref::<InflateLimit>()) {
        None => return FeedError::Read { file: file.to_owned(), row, source },
        Some(InflateLimit::Bytes) => ("MAX_INFLATED_BYTES", MAX_INFLATED_BYTES),
        Some(InflateLimit::Ratio) => ("MAX_INFLATE_RATIO", MAX_INFLATE_RATIO),
    };
    FeedError::Limit {
        file: file.to_owned(),
        row,
        what: "the gzip file unfolds to more than is allowed",
        constant,
        limit,
        advice: "unpack it yourself and import the parts if it is meant to be this large",
    }
}

/// Text of another encoding as UTF-8.
struct Decoded {
    inner: Box<dyn Read + Send>,
    decoder: Decoder,
    raw: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    finished: bool,
}

impl Decoded {
    fn new(inner: Box<dyn Read + Send>, decoder: Decoder) -> Self {
        Self {
            inner,
            decoder,
            raw: vec![0; CHUNK_BYTES / 2],
            start: 0,
            end: 0,
            ended: false,
            finished: false,
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.finished {
            if self.start >= self.end && !self.ended {
                self.start = 0;
                self.end = self.inner.read(&mut self.raw)?;
                self.ended = self.end == 0;
            }
            let input = self.raw.get(self.start..self.end).unwrap_or_default();
            let (result, used, written) =
                self.decoder.decode_to_utf8_without_replacement(input, buffer, self.ended);
            self.start += used;
            self.finished = self.ended && result == DecoderResult::InputEmpty;
            if let DecoderResult::Malformed(..) = result {
                let name = self.decoder.encoding().name();
                return Err(io::Error::other(format!("bytes that are not {name}; check the encoding")));
            }
            if written > 0 || (result == DecoderResult::OutputFull && !buffer.is_empty() && used == 0) {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
