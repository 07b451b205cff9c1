//! Files attached to a contract: what may be attached, by name and by content, and what may happen to a file after.
//!
//! A file is never changed and never removed. What happens to it is a history of moves: it is shown to the partner, it is
//! hidden again, it is withdrawn with a reason. Without a move nobody but the shipper sees it.

use super::field::{FieldErrors, codes, require};
use super::words;

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 10 << 20;
/// Most that the files of one contract hold together, withdrawn ones included, in bytes.
pub const CONTRACT_BYTES_MAX: i64 = 200 << 20;
/// Most files of one contract, withdrawn ones included.
pub const CONTRACT_FILES_MAX: usize = 200;
/// Longest name of a file.
pub const NAME_CHARS_MAX: usize = 120;
/// Longest note or reason.
pub const NOTE_CHARS_MAX: usize = 500;

codes! {
    /// What a file is.
    FileKind, "kind of file" {
        /// A document as it was printed.
        Pdf = "PDF", "PDF";
        /// A picture without loss.
        Png = "PNG", "PNG picture";
        /// A photograph.
        Jpeg = "JPEG", "JPEG picture";
        /// A workbook without macros.
        Xlsx = "XLSX", "Excel workbook";
        /// A text document without macros.
        Docx = "DOCX", "Word document";
        /// A table as text.
        Csv = "CSV", "Table as text (csv)";
        /// Plain text.
        Text = "TXT", "Text";
        /// A mail with its head.
        Mail = "EML", "Mail (eml)";
    }
}

impl FileKind {
    /// What a browser is told it is. Ours, never what came with the file.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Csv => "text/csv",
            Self::Text => "text/plain",
            // Not `message/rfc822`: a mail can carry anything, and some browsers open it.
            Self::Mail => "application/octet-stream",
        }
    }

    /// The endings of a name that say so, without the dot.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Xlsx => &["xlsx"],
            Self::Docx => &["docx"],
            Self::Csv => &["csv"],
            Self::Text => &["txt"],
            Self::Mail => &["eml"],
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        let is_it = |kind: &Self| !stem.is_empty() && kind.endings().contains(&ending.as_str());
        Self::ALL.iter().copied().find(is_it)
    }
}

/// What the content of a file shows it to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// One of ours, told by its own marks.
    Known(FileKind),
    /// Text without a mark.
    Text {
        /// Whether it begins as a mail does.
        mail: bool,
    },
    /// An office document with macros.
    Macros,
    /// Something else, in words; empty when nobody knows.
    Other(String),
}

/// Why a file is not attached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// Nothing in it.
    #[error("the file is empty; choose another one")]
    Empty,
    /// Too large.
    #[error("the file has {bytes} bytes, and {} are the most; split it or make it smaller", words::group(&FILE_BYTES_MAX.to_string()))]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A name nobody can use.
    #[error(
        "the name of the file must have 1 to {NAME_CHARS_MAX} characters and no control characters; rename it"
    )]
    Name,
    /// An ending that is not taken.
    #[error("only files with these endings are taken: {}; save it as one of them", endings())]
    Ending,
    /// The content is not what the name says.
    #[error("its name says {named}, but its content is {found}; save it as what it is")]
    Mismatch {
        /// What the name says.
        named: &'static str,
        /// What it is.
        found: String,
    },
    /// A program in a document.
    #[error("it holds macros, which are programs; save it without them")]
    Macros,
    /// No more room.
    #[error(
        "the files of this contract would hold more than {} bytes, or be more than {CONTRACT_FILES_MAX}; attach fewer or smaller files",
        words::group(&CONTRACT_BYTES_MAX.to_string())
    )]
    Full,
}

/// The endings that are taken, in words.
#[must_use]
pub fn endings() -> String {
    let all: Vec<&str> = FileKind::ALL.iter().flat_map(|kind| kind.endings()).copied().collect();
    all.join(", ")
}

/// The name under which a file is kept: the last part of a path, without blanks around it.
///
/// # Errors
/// [`BadFile::Name`].
pub fn file_name(given: &str) -> Result<String, BadFile> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let fine = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fine { Ok(name.to_owned()) } else { Err(BadFile::Name) }
}

/// What a file is, when its name and its content agree.
///
/// # Errors
/// [`BadFile`] with what to do about it.
pub fn kind_of(name: &str, content: &Content) -> Result<FileKind, BadFile> {
    let named = FileKind::of_name(name).ok_or(BadFile::Ending)?;
    let found = match content {
        Content::Macros => return Err(BadFile::Macros),
        Content::Known(found) if *found == named => return Ok(named),
        Content::Text { mail } => match named {
            FileKind::Csv | FileKind::Text => return Ok(named),
            FileKind::Mail if *mail => return Ok(named),
            _ => "text".to_owned(),
        },
        Content::Known(found) => found.label().to_owned(),
        Content::Other(found) if found.is_empty() => "nothing that is known here".to_owned(),
        Content::Other(found) => found.clone(),
    };
    Err(BadFile::Mismatch { named: named.label(), found })
}

/// Whether there is room for one more file of `bytes`, beside `files` that hold `held` bytes.
///
/// # Errors
/// [`BadFile::Empty`], [`BadFile::TooLarge`], [`BadFile::Full`].
pub fn has_room(bytes: usize, files: usize, held: i64) -> Result<(), BadFile> {
    if bytes == 0 {
        return Err(BadFile::Empty);
    }
    if bytes > FILE_BYTES_MAX {
        return Err(BadFile::TooLarge { bytes });
    }
    let together = held.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    if files >= CONTRACT_FILES_MAX || together > CONTRACT_BYTES_MAX { Err(BadFile::Full) } else { Ok(()) }
}

/// Problems of the note of a file, by form field.
#[must_use]
pub fn note_problems(note: &str) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let fine = note.trim().chars().count() <= NOTE_CHARS_MAX;
    require(&mut errors, fine, "note", "say in up to 500 characters what the file is");
    errors
}

codes! {
    /// What happens to a file after it was attached.
    FileMove, "move of a file" {
        /// The partner sees it from now on.
        Share = "SHARE", "showed it to the partner";
        /// The partner sees it no more.
        Hide = "HIDE", "hid it from the partner";
        /// It is taken back; the partner sees it no more, and it stays on record.
        Withdraw = "WITHDRAW", "withdrew it";
    }
}

/// Why a move was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// Nothing follows a withdrawal.
    #[error("the file was withdrawn; attach it again to use it")]
    Withdrawn,
    /// It is so already.
    #[error("the file is shown to the partner already")]
    Shared,
    /// It is so already.
    #[error("the file is not shown to the partner")]
    Hidden,
    /// It needs words, or has too many.
    #[error("say why in 1 to {NOTE_CHARS_MAX} characters")]
    NoReason,
}

/// Where a file stands: the sum of its moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the partner may see it.
    pub shared: bool,
    /// Whether it was taken back.
    pub withdrawn: bool,
}

impl Standing {
    /// Where a move leads.
    ///
    /// # Errors
    /// [`NotMoved`] with what stands against it.
    pub fn after(self, kind: FileMove, note: &str) -> Result<Self, NotMoved> {
        if self.withdrawn {
            return Err(NotMoved::Withdrawn);
        }
        let said = note.trim().chars().count();
        if said > NOTE_CHARS_MAX || (kind == FileMove::Withdraw && said == 0) {
            return Err(NotMoved::NoReason);
        }
        match kind {
            FileMove::Share if self.shared => Err(NotMoved::Shared),
            FileMove::Hide if !self.shared => Err(NotMoved::Hidden),
            FileMove::Share => Ok(Self { shared: true, ..self }),
            FileMove::Hide => Ok(Self { shared: false, ..self }),
            FileMove::Withdraw => Ok(Self { shared: false, withdrawn: true }),
        }
    }

    /// Whether the partner may see it: it was shown, and nothing since hid it.
    #[must_use]
    pub fn partner_sees(self) -> bool {
        self.shared && !self.withdrawn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_and_content_must_agree() {
        let pdf = Content::Known(FileKind::Pdf);
        let text = Content::Text { mail: false };
        assert_eq!(kind_of("Offer.PDF", &pdf), Ok(FileKind::Pdf));
        assert_eq!(kind_of("rates.csv", &text), Ok(FileKind::Csv));
        assert_eq!(kind_of("note.eml", &Content::Text { mail: true }), Ok(FileKind::Mail));
        let wrong = |name: &str, content: &Content| kind_of(name, content).unwrap_err().to_string();
        assert!(wrong("a.pdf", &text).contains("its name says PDF, but its content is text"));
        assert!(wrong("a.png", &pdf).contains("its content is PDF"));
        assert!(wrong("a.eml", &text).contains("its name says Mail (eml)"));
        assert!(wrong("a.txt", &Content::Other("text/html".to_owned())).contains("text/html"));
        assert!(wrong("a.txt", &Content::Other(String::new())).contains("nothing that is known"));
        assert!(wrong("a.xlsx", &Content::Macros).contains("macros"));
        for name in ["a.exe", "a.xlsm", "a", ".pdf", "a.pdf.exe", "a.svg"] {
            assert!(wrong(name, &pdf).contains("pdf, png, jpg, jpeg, xlsx, docx, csv, txt, eml"), "{name}");
        }
    }

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(file_name("C:\\fakepath\\ Offer 2.pdf ").as_deref(), Ok("Offer 2.pdf"));
        assert_eq!(file_name("../../etc/passwd.txt").as_deref(), Ok("passwd.txt"));
        let long = format!("{}.pdf", "a".repeat(NAME_CHARS_MAX));
        for bad in ["", "  ", "a/", "a\nb.pdf", "a\0.pdf", &long] {
            assert_eq!(file_name(bad), Err(BadFile::Name), "{bad:?}");
        }
    }

    #[test]
    fn there_is_a_limit_on_everything() {
        assert_eq!(has_room(0, 0, 0), Err(BadFile::Empty));
        assert_eq!(has_room(FILE_BYTES_MAX, 0, 0), Ok(()));
        let bytes = FILE_BYTES_MAX + 1;
        assert_eq!(has_room(bytes, 0, 0), Err(BadFile::TooLarge { bytes }));
        assert_eq!(has_room(1, CONTRACT_FILES_MAX - 1, CONTRACT_BYTES_MAX - 1), Ok(()));
        assert_eq!(has_room(1, CONTRACT_FILES_MAX, 0), Err(BadFile::Full));
        assert_eq!(has_room(2, 1, CONTRACT_BYTES_MAX - 1), Err(BadFile::Full));
    }

    proptest! {
        /// The partner sees a file only while the last of its moves that counted showed it, and never once it was
        /// withdrawn.
        #[test]
        fn nobody_sees_what_was_not_shown(
            moves in proptest::collection::vec((0_usize..3, "[a-z ]{0,3}"), 0..12),
        ) {
            let mut now = Standing::default();
            let (mut shown, mut gone) = (false, false);
            for (kind, note) in moves {
                let kind = FileMove::ALL[kind];
                match now.after(kind, &note) {
                    Ok(next) => {
                        prop_assert!(!gone);
                        shown = kind == FileMove::Share;
                        gone = kind == FileMove::Withdraw;
                        now = next;
                    }
                    Err(NotMoved::Withdrawn) => prop_assert!(gone),
                    Err(_) => {}
                }
                prop_assert_eq!(now.partner_sees(), shown);
            }
        }
    }
}
