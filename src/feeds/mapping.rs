//! Mapping files: which column becomes which field, and how its cells are read.
//!
//! A mapping is a small TOML file; `docs/mappings.md` is its manual. [`Mapping::load`] reads and checks
//! what can be checked without a file, [`Mapping::compile`] binds it to the columns of one file, and
//! [`Compiled::apply`] turns each row into [`Fields`](super::fields::Fields) without looking up a name.

mod compile;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::domain::nearest::suggestion;
use crate::feeds::FeedError;
use crate::feeds::cell::DateFormats;
use crate::feeds::expr::Parsed;
use crate::feeds::kind::{Field, ImportKind};
use crate::feeds::rates::RateOptions;
pub use compile::{Compiled, FieldPlaces, MAX_LIST_CHARS, MAX_TEXT_CHARS};

/// Largest mapping file.
pub const MAX_MAPPING_BYTES: u64 = 1 << 20;

/// Mappings that come with the program.
const SHIPPED: &[(&str, &str)] = &[
    ("400ng-2019", include_str!("../../examples/mappings/400ng-2019.toml")),
    ("400ng-2020", include_str!("../../examples/mappings/400ng-2020.toml")),
    ("brunel", include_str!("../../examples/mappings/brunel.toml")),
    ("brunel-orders", include_str!("../../examples/mappings/brunel-orders.toml")),
    ("carrier-invoices", include_str!("../../examples/mappings/carrier-invoices.toml")),
    ("eia-diesel", include_str!("../../examples/mappings/eia-diesel.toml")),
    ("nycflights13", include_str!("../../examples/mappings/nycflights13.toml")),
    ("rates-matrix", include_str!("../../examples/mappings/rates-matrix.toml")),
    ("scms", include_str!("../../examples/mappings/scms.toml")),
];

/// Source of facts from files that name none.
const DEFAULT_SOURCE: &str = "file";

/// What to do with a partner nobody has heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPartner {
    /// Create it.
    #[default]
    Create,
    /// Reject the row.
    Refuse,
}

/// A mapping, checked but not yet bound to a file's columns.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// What it maps to.
    pub kind: ImportKind,
    /// Its name, for messages and the import's record.
    pub name: String,
    /// Name of the feed: part of a fact's identity.
    pub source: String,
    /// What to do with an unknown partner.
    pub unknown_partner: UnknownPartner,
    /// Zone of times without one, unless the row names a zone.
    pub zone: Option<Tz>,
    /// How the rows of a rate sheet are meant; as usual for other kinds.
    pub rates: RateOptions,
    /// Encoding it declares, for [`TableReader::open`](super::table::TableReader::open).
    pub encoding: Option<String>,
    formats: DateFormats,
    no_value: Patterns,
    fields: BTreeMap<Field, From>,
    /// Columns named as our fields map to them.
    by_name: bool,
}

/// Where one field comes from.
#[derive(Clone, Debug)]
struct From {
    what: What,
    trim: bool,
    no_value: Option<Patterns>,
    values: HashMap<String, String>,
    formats: Option<DateFormats>,
}

#[derive(Clone, Debug)]
enum What {
    Column(String),
    Constant(String),
    Compute(Parsed),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    kind: String,
    name: Option<String>,
    source: Option<String>,
    #[serde(default)]
    unknown_partner: UnknownPartner,
    zone: Option<String>,
    #[serde(default)]
    dates: Vec<String>,
    #[serde(default)]
    no_value: Vec<String>,
    encoding: Option<String>,
    #[serde(default)]
    rates: Option<RateOptions>,
    /// Without any, columns named as our fields are taken.
    fields: Option<BTreeMap<String, toml::Value>>,
}

/// A field as written, in its long form.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldTable {
    column: Option<String>,
    constant: Option<toml::Value>,
    compute: Option<String>,
    #[serde(default = "yes")]
    trim: bool,
    no_value: Option<Vec<String>>,
    #[serde(default)]
    values: HashMap<String, String>,
    dates: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

/// Texts that mean "no value"; one that ends in `*` stands for every text that begins so.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl Patterns {
    pub(super) fn new(written: &[String]) -> Self {
        let mut patterns = Self::default();
        for text in written {
            match text.strip_suffix('*') {
                Some(prefix) => patterns.prefixes.push(prefix.to_owned()),
                None => patterns.exact.push(text.clone()),
            }
        }
        patterns
    }

    #[inline]
    pub(super) fn hold(&self, text: &str) -> bool {
        self.exact.iter().any(|known| known == text)
            || self.prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))
    }
}

impl Mapping {
    /// Reads a mapping file, or takes one of the shipped mappings by name.
    ///
    /// # Errors
    /// No such file or name, bad TOML, an unknown key, field, zone, date format or expression.
    pub fn load(name_or_path: &str) -> Result<Self, FeedError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_path);
        let open = |source| FeedError::Open { file: name_or_path.to_owned(), source };
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MAX_MAPPING_BYTES => Err(FeedError::MappingSyntax {
                mapping: name_or_path.to_owned(),
                reason: format!("the file is larger than MAX_MAPPING_BYTES = {MAX_MAPPING_BYTES}"),
            }),
            Ok(_) => Self::parse(name_or_path, &std::fs::read_to_string(path).map_err(open)?),
            Err(_) => Err(FeedError::UnknownMapping {
                name: name_or_path.to_owned(),
                shipped: Self::shipped().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Names of the mappings that come with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The mapping of files whose columns are named as our fields.
    #[must_use]
    pub fn identity(kind: ImportKind) -> Self {
        Self {
            kind,
            name: format!("by column name ({kind})"),
            source: DEFAULT_SOURCE.to_owned(),
            unknown_partner: UnknownPartner::default(),
            zone: None,
            rates: RateOptions::default(),
            encoding: None,
            formats: DateFormats::default(),
            no_value: Patterns::default(),
            fields: BTreeMap::new(),
            by_name: true,
        }
    }

    /// The same mapping with a zone for times without one, if it names none itself.
    #[must_use]
    pub fn with_default_zone(self, zone: Tz) -> Self {
        Self { zone: self.zone.or(Some(zone)), ..self }
    }

    /// Refuses a mapping made for another kind of record.
    ///
    /// # Errors
    /// [`FeedError::WrongKind`].
    pub fn expect_kind(&self, wanted: ImportKind) -> Result<(), FeedError> {
        if self.kind == wanted {
            return Ok(());
        }
        Err(FeedError::WrongKind {
            mapping: self.name.clone(),
            found: self.kind.name(),
            wanted: wanted.name(),
        })
    }

    /// Reads a mapping from text; `name` is for messages.
    ///
    /// # Errors
    /// As [`Mapping::load`].
    pub fn parse(name: &str, text: &str) -> Result<Self, FeedError> {
        let syntax = |reason: String| FeedError::MappingSyntax { mapping: name.to_owned(), reason };
        let file: MappingFile = toml::from_str(text).map_err(|e| syntax(e.to_string()))?;
        let kind = ImportKind::named(&file.kind).ok_or_else(|| {
            let kinds = ImportKind::ALL.map(ImportKind::name);
            let near = suggestion(&file.kind, kinds);
            syntax(format!("there is no kind `{}`{near}; the kinds are: {}", file.kind, kinds.join(", ")))
        })?;
        if file.rates.is_some() && kind != ImportKind::Rates {
            return Err(syntax(format!("[rates] is for kind rates only, and this mapping is for {kind}")));
        }
        let zone = file.zone.map(|zone| {
            zone.parse().map_err(|_| syntax(format!("`{zone}` is not an IANA zone such as America/Chicago")))
        });
        let formats = DateFormats::new(&file.dates)
            .map_err(|bad| syntax(format!("`{bad}` is not a date format such as %d-%b-%y")))?;
        let reader = FieldReader { mapping: name, kind };
        let by_name = file.fields.is_none();
        let fields =
            file.fields.unwrap_or_default().into_iter().map(|(field, value)| reader.read(&field, value));
        Ok(Self {
            kind,
            source: file.source.or_else(|| file.name.clone()).unwrap_or_else(|| DEFAULT_SOURCE.to_owned()),
            name: file.name.unwrap_or_else(|| name.to_owned()),
            unknown_partner: file.unknown_partner,
            zone: zone.transpose()?,
            rates: file.rates.unwrap_or_default(),
            encoding: file.encoding,
            formats,
            no_value: Patterns::new(&file.no_value),
            fields: fields.collect::<Result<_, _>>()?,
            by_name,
        })
    }

    /// Binds the mapping to the columns of a file.
    ///
    /// # Errors
    /// A column the file does not have, a required field that comes from nowhere, a constant that does
    /// not fit, an expression that does not fit, expressions that need each other in a circle.
    pub fn compile(&self, headers: &[String]) -> Result<Compiled, FeedError> {
        compile::compile(self, headers)
    }
}

/// Reads the `[fields]` of a mapping.
struct FieldReader<'a> {
    mapping: &'a str,
    kind: ImportKind,
}

impl FieldReader<'_> {
    fn read(&self, name: &str, value: toml::Value) -> Result<(Field, From), FeedError> {
        let syntax = |reason: String| FeedError::MappingSyntax {
            mapping: self.mapping.to_owned(),
            reason: format!("field `{name}`: {reason}"),
        };
        let field = self.kind.field(name).ok_or_else(|| {
            let names: Vec<&str> = self.kind.specs().iter().map(|spec| spec.name).collect();
            FeedError::UnknownField {
                mapping: self.mapping.to_owned(),
                kind: self.kind.name(),
                suggestion: suggestion(name, names.iter().copied()),
                field: name.to_owned(),
                fields: names.join(", "),
            }
        })?;
        let table = match value {
            toml::Value::String(column) => {
                FieldTable { column: Some(column), trim: true, ..FieldTable::default() }
            }
            toml::Value::Table(_) => {
                value.try_into().map_err(|e: toml::de::Error| syntax(e.message().to_owned()))?
            }
            _ => return Err(syntax("write a column name in quotes, or { column = … }".to_owned())),
        };
        let what = match (table.column, table.constant, table.compute) {
            (Some(column), None, None) => What::Column(column),
            (None, Some(constant), None) => What::Constant(match constant {
                toml::Value::String(text) => text,
                other => other.to_string(),
            }),
            (None, None, Some(text)) => What::Compute(Parsed::new(&text).map_err(|source| {
                FeedError::Expression { mapping: self.mapping.to_owned(), field: name.to_owned(), source }
            })?),
            _ => return Err(syntax("give exactly one of column, constant and compute".to_owned())),
        };
        let formats = table.dates.as_deref().map(DateFormats::new).transpose();
        let formats =
            formats.map_err(|bad| syntax(format!("`{bad}` is not a date format such as %d-%b-%y")))?;
        let no_value = table.no_value.as_deref().map(Patterns::new);
        Ok((field, From { what, trim: table.trim, no_value, values: table.values, formats }))
    }
}

#[cfg(test)]
mod tests;
