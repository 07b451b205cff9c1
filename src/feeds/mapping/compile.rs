//! A mapping bound to the columns of one file, and its application to rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::Datelike;

use super::{From, Mapping, Patterns, What};
use crate::domain::nearest::suggestion;
use crate::feeds::cell::{self, DateFormats, Instant, NoDate, Written};
use crate::feeds::expr::{Env, Expr, Parsed, Scope, Slot, Type, Val, written};
use crate::feeds::fields::{Fields, Value};
use crate::feeds::kind::{Field, FieldSpec, FieldType, ImportKind, YES_NO};
use crate::feeds::table::Row;
use crate::feeds::{FeedError, RowError};

/// Longest text of one cell that is kept, in characters. Several of them together must fit one index
/// entry of PostgreSQL, which has at most 2,704 bytes.
pub const MAX_TEXT_CHARS: usize = 240;
/// Longest cell that lists several texts.
pub const MAX_LIST_CHARS: usize = 8_000;

/// A mapping ready for rows.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: ImportKind,
    headers: Vec<String>,
    formats: DateFormats,
    no_value: Patterns,
    zone: Option<chrono_tz::Tz>,
    steps: Vec<Step>,
    required: Vec<(Field, String)>,
    ignored: Vec<String>,
    /// Text given to the field `source` when the row gives none.
    source: Option<(Field, String)>,
}

/// How one field is filled.
#[derive(Clone, Debug)]
struct Step {
    field: Field,
    spec: &'static FieldSpec,
    zone_field: Option<Field>,
    origin: Origin,
    from: From,
}

#[derive(Clone, Debug)]
enum Origin {
    Column(usize),
    Constant(String),
    Compute(Expr),
}

/// Binds a mapping; see [`Mapping::compile`].
pub(super) fn compile(mapping: &Mapping, headers: &[String]) -> Result<Compiled, FeedError> {
    let fields = chosen_fields(mapping, headers);
    let binder = Binder { mapping, headers, fields: &fields };
    let mut steps = Vec::with_capacity(fields.len());
    for field in binder.order()? {
        if let Some(from) = fields.get(&field) {
            steps.push(binder.step(field, from)?);
        }
    }
    let required = binder.required(&steps)?;
    let used: BTreeSet<usize> = steps.iter().filter_map(Step::column).collect();
    let ignored = headers.iter().enumerate().filter(|(at, name)| !used.contains(at) && !name.is_empty());
    let compiled = Compiled {
        kind: mapping.kind,
        headers: headers.to_vec(),
        formats: mapping.formats.clone(),
        no_value: mapping.no_value.clone(),
        zone: mapping.zone,
        ignored: ignored.map(|(_, name)| name.clone()).collect(),
        steps,
        required,
        source: mapping.kind.field("source").map(|field| (field, mapping.source.clone())),
    };
    compiled.check_constants(mapping)?;
    Ok(compiled)
}

/// The mapping's fields; by name, every column that is named as a field.
fn chosen_fields(mapping: &Mapping, headers: &[String]) -> BTreeMap<Field, From> {
    let mut fields = mapping.fields.clone();
    if mapping.by_name {
        for name in headers {
            if let Some(field) = mapping.kind.field(name) {
                let what = What::Column(name.clone());
                let from = From { what, trim: true, no_value: None, values: HashMap::new(), formats: None };
                fields.insert(field, from);
            }
        }
    }
    fields
}

struct Binder<'a> {
    mapping: &'a Mapping,
    headers: &'a [String],
    fields: &'a BTreeMap<Field, From>,
}

impl Binder<'_> {
    fn column(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| !header.is_empty() && header == name)
    }

    fn name(&self, field: Field) -> String {
        self.mapping.kind.spec(field).map_or_else(String::new, |spec| spec.name.to_owned())
    }

    fn columns(&self) -> String {
        let named: Vec<&str> =
            self.headers.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        named.join(", ")
    }

    /// Zones first, because times need them; then columns and constants; then computed fields, each
    /// after those it uses.
    fn order(&self) -> Result<Vec<Field>, FeedError> {
        let is_zone = |field: &Field| {
            self.mapping.kind.spec(*field).is_some_and(|spec| matches!(spec.kind, FieldType::Zone))
        };
        let computed =
            |field: &Field| matches!(self.fields.get(field), Some(From { what: What::Compute(_), .. }));
        let mut order: Vec<Field> =
            self.fields.keys().copied().filter(|f| is_zone(f) && !computed(f)).collect();
        order.extend(self.fields.keys().copied().filter(|f| !is_zone(f) && !computed(f)));
        let (zones, others): (Vec<Field>, Vec<Field>) =
            self.fields.keys().copied().filter(computed).partition(is_zone);
        for field in zones.into_iter().chain(others) {
            self.visit(field, &mut order, &mut Vec::new())?;
        }
        Ok(order)
    }

    fn visit(&self, field: Field, order: &mut Vec<Field>, path: &mut Vec<Field>) -> Result<(), FeedError> {
        if order.contains(&field) {
            return Ok(());
        }
        if path.contains(&field) {
            let path: Vec<String> = path.iter().map(|field| self.name(*field)).collect();
            return Err(FeedError::Cycle {
                mapping: self.mapping.name.clone(),
                field: self.name(field),
                path: path.join(" → "),
            });
        }
        path.push(field);
        if let Some(From { what: What::Compute(parsed), .. }) = self.fields.get(&field) {
            for needed in self.needed(field, parsed) {
                self.visit(needed, order, path)?;
            }
        }
        path.pop();
        order.push(field);
        Ok(())
    }

    /// The mapped fields an expression uses. Its own name means the column of that name.
    fn needed(&self, own: Field, parsed: &Parsed) -> Vec<Field> {
        let fields = parsed.names().into_iter().filter_map(|name| self.mapping.kind.field(name));
        fields
            .filter(|field| self.fields.contains_key(field))
            .filter(|field| *field != own || self.column(&self.name(own)).is_none())
            .collect()
    }

    fn step(&self, field: Field, from: &From) -> Result<Step, FeedError> {
        let kind = self.mapping.kind;
        let spec = kind.spec(field).ok_or_else(|| FeedError::MappingSyntax {
            mapping: self.mapping.name.clone(),
            reason: "a field is out of range".to_owned(),
        })?;
        let origin = match &from.what {
            What::Column(name) => {
                Origin::Column(self.column(name).ok_or_else(|| FeedError::UnknownColumn {
                    mapping: self.mapping.name.clone(),
                    field: spec.name.to_owned(),
                    column: name.clone(),
                    suggestion: suggestion(name, self.headers.iter().map(String::as_str)),
                    columns: self.columns(),
                })?)
            }
            What::Constant(text) => Origin::Constant(text.clone()),
            What::Compute(parsed) => Origin::Compute(self.expression(field, spec, parsed)?),
        };
        Ok(Step { field, spec, zone_field: kind.field(spec.zone), origin, from: from.clone() })
    }

    fn expression(&self, field: Field, spec: &FieldSpec, parsed: &Parsed) -> Result<Expr, FeedError> {
        let wrong = |source| FeedError::Expression {
            mapping: self.mapping.name.clone(),
            field: spec.name.to_owned(),
            source,
        };
        let expr = parsed.compile(&Names { binder: self, own: field }).map_err(wrong)?;
        let (fits, wanted) = match spec.kind {
            FieldType::Text => (expr.kind() != Type::Time, "a text"),
            FieldType::Choice(words) => (
                matches!(expr.kind(), Type::Text) || (words == YES_NO && expr.kind() == Type::Bool),
                "a text",
            ),
            FieldType::Zone => (expr.kind() == Type::Text, "a zone name"),
            FieldType::Integer | FieldType::Decimal => {
                (matches!(expr.kind(), Type::Number | Type::Text), "a number")
            }
            FieldType::Day => (matches!(expr.kind(), Type::Date | Type::Instant | Type::Text), "a date"),
            FieldType::Instant => {
                (matches!(expr.kind(), Type::Instant | Type::Date | Type::Text), "a date with time")
            }
        };
        if fits || expr.kind() == Type::Blank {
            return Ok(expr);
        }
        Err(wrong(crate::feeds::expr::ExprError::Type {
            name: spec.name,
            wanted,
            found: expr.kind().words(),
        }))
    }

    fn required(&self, steps: &[Step]) -> Result<Vec<(Field, String)>, FeedError> {
        let kind = self.mapping.kind;
        let mut required = Vec::new();
        for spec in kind.specs().iter().filter(|spec| spec.required) {
            let step = steps.iter().find(|step| step.spec.name == spec.name);
            let step = step.ok_or_else(|| FeedError::MissingField {
                mapping: self.mapping.name.clone(),
                kind: kind.name(),
                field: spec.name,
                columns: self.columns(),
            })?;
            required.push((step.field, step.place(self.headers).to_owned()));
        }
        Ok(required)
    }
}

/// Names for the expression of one field.
struct Names<'a> {
    binder: &'a Binder<'a>,
    own: Field,
}

impl Scope for Names<'_> {
    fn name(&self, name: &str) -> Option<(Slot, Type)> {
        let kind = self.binder.mapping.kind;
        let field = kind.field(name).filter(|f| *f != self.own && self.binder.fields.contains_key(f));
        if let Some(field) = field {
            let found = match kind.spec(field)?.kind {
                FieldType::Text | FieldType::Choice(_) | FieldType::Zone => Type::Text,
                FieldType::Integer | FieldType::Decimal => Type::Number,
                FieldType::Day => Type::Date,
                FieldType::Instant => Type::Instant,
            };
            return Some((Slot::Field(field), found));
        }
        self.column(name).map(|column| (Slot::Column(column), Type::Text))
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.binder.column(name)
    }

    fn known(&self) -> Vec<&str> {
        let kind = self.binder.mapping.kind;
        let fields = self.binder.fields.keys().filter_map(|f| kind.spec(*f)).map(|spec| spec.name);
        let columns = self.binder.headers.iter().map(String::as_str).filter(|name| !name.is_empty());
        fields.chain(columns).collect()
    }
}

impl Step {
    fn column(&self) -> Option<usize> {
        match self.origin {
            Origin::Column(column) => Some(column),
            _ => None,
        }
    }

    /// The name to show for this field: its column's, else our own.
    fn place<'a>(&self, headers: &'a [String]) -> &'a str {
        self.column().and_then(|column| headers.get(column)).map_or(self.spec.name, String::as_str)
    }
}

/// Which column of the file each of our fields comes from, so that an error found later can be said
/// in the file's own words.
#[derive(Clone, Debug)]
pub struct FieldPlaces {
    places: Vec<(&'static str, usize, String)>,
}

impl FieldPlaces {
    /// The error with the file's column and cell in place of our field. A field that comes from no
    /// column keeps its own name.
    #[must_use]
    pub fn locate(&self, row: &Row, error: &RowError) -> RowError {
        let place = |field| self.places.iter().find(|(name, ..)| *name == field);
        match error.named_field().and_then(place) {
            Some((_, column, header)) => {
                let cell = row.get(*column).unwrap_or_default().trim();
                let value = if error.value.is_empty() { cell } else { &error.value };
                RowError::cell(header, value, error.reason.as_str())
            }
            None => error.clone(),
        }
    }
}

impl Compiled {
    /// Where its fields come from.
    #[must_use]
    pub fn places(&self) -> FieldPlaces {
        let place = |step: &Step| {
            let column = step.column()?;
            Some((step.spec.name, column, self.headers.get(column)?.clone()))
        };
        FieldPlaces { places: self.steps.iter().filter_map(place).collect() }
    }

    /// Fields to fill, once per reader.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new(self.kind);
        fields.default_zone = self.zone.and_then(|zone| fields.zones.add(zone));
        fields
    }

    /// What it makes.
    #[must_use]
    pub fn kind(&self) -> ImportKind {
        self.kind
    }

    /// Whether a field comes from anywhere.
    #[must_use]
    pub fn fills(&self, field: Field) -> bool {
        self.steps.iter().any(|step| step.field == field)
    }

    /// Columns no field was taken from directly, for a hint to the user: a misspelt optional column is
    /// among them.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The same, each with the field it may have meant: one of `kind` that no column fills.
    #[must_use]
    pub fn ignored_told(&self, kind: ImportKind) -> Vec<String> {
        let unfilled = |name: &&str| kind.field(name).is_some_and(|field| !self.fills(field));
        let open: Vec<&str> = kind.specs().iter().map(|spec| spec.name).filter(unfilled).collect();
        let told = |name: &String| format!("`{name}`{}", suggestion(name, open.iter().copied()));
        self.ignored.iter().map(told).collect()
    }

    /// Turns a row into fields. After an error the fields hold nothing of use.
    ///
    /// # Errors
    /// The first thing wrong with the row: too many or few cells, a cell that cannot be read, a
    /// required field without a value.
    pub fn apply(&self, row: &Row, fields: &mut Fields) -> Result<(), RowError> {
        fields.store.clear();
        if row.len() != self.headers.len() {
            return Err(RowError::row(format!(
                "the row has {} cells, the header has {}",
                row.len(),
                self.headers.len()
            )));
        }
        for step in &self.steps {
            match &step.origin {
                Origin::Column(column) => {
                    let cell = row.get(*column).unwrap_or_default();
                    self.fill_from(step, row, *column, fields)
                        .map_err(|e| e.at(step.place(&self.headers), cell))?;
                }
                Origin::Constant(text) => {
                    self.fill(step, text, fields).map_err(|e| e.at(step.spec.name, text))?;
                }
                Origin::Compute(expr) => self.compute(step, expr, row, fields).map_err(|reason| {
                    RowError::cell(step.spec.name, "", format!("cannot be computed: {reason}"))
                })?,
            }
        }
        if let Some((field, source)) = &self.source
            && fields.is_blank(*field)
            && let Some(value) = fields.store.keep(source)
        {
            fields.store.set(*field, value);
        }
        match self.required.iter().find(|(field, _)| fields.is_blank(*field)) {
            None => Ok(()),
            Some((_, place)) => Err(RowError::cell(place, "", "a value is required here and there is none")),
        }
    }

    /// Reads what it can of a row that [`Compiled::apply`] refuses; a field that cannot be read holds nothing.
    pub fn apply_readable(&self, row: &Row, fields: &mut Fields) {
        fields.store.clear();
        // A cell too few or too many, and no column is known to be its own.
        if row.len() != self.headers.len() {
            return;
        }
        let mut is_whole = true;
        for step in &self.steps {
            is_whole &= match &step.origin {
                Origin::Column(column) => self.fill_from(step, row, *column, fields).is_ok(),
                Origin::Constant(text) => self.fill(step, text, fields).is_ok(),
                // It may be computed of what cannot be read.
                Origin::Compute(expr) => is_whole && self.compute(step, expr, row, fields).is_ok(),
            };
        }
    }

    fn check_constants(&self, mapping: &Mapping) -> Result<(), FeedError> {
        let mut fields = self.fields();
        for step in &self.steps {
            if let Origin::Constant(text) = &step.origin {
                self.fill(step, text, &mut fields).map_err(|e| FeedError::BadConstant {
                    mapping: mapping.name.clone(),
                    field: step.spec.name.to_owned(),
                    value: text.clone(),
                    reason: e.reason(),
                })?;
            }
        }
        Ok(())
    }

    /// Reads the cell of a column into its field.
    #[inline]
    fn fill_from<'a>(
        &'a self,
        step: &'a Step,
        row: &Row,
        column: usize,
        fields: &mut Fields,
    ) -> Result<(), CellError<'a>> {
        // As a quantity it is near enough; as a name it may be that of something else.
        if matches!(step.spec.kind, FieldType::Text) && row.is_cut(column) {
            return Err(CellError::Cut);
        }
        self.fill(step, row.get(column).unwrap_or_default(), fields)
    }

    /// Reads one cell into its field.
    #[inline]
    fn fill<'a>(&'a self, step: &'a Step, cell: &str, fields: &mut Fields) -> Result<(), CellError<'a>> {
        let text = if step.from.trim { cell.trim() } else { cell };
        let no_value = step.from.no_value.as_ref().unwrap_or(&self.no_value);
        if text.is_empty() || no_value.hold(text) {
            return Ok(());
        }
        let text = match step.from.values.get(text) {
            Some(replaced) if replaced.is_empty() => return Ok(()),
            Some(replaced) => replaced,
            None => text,
        };
        self.read(step, text, fields)
    }

    #[inline]
    fn read<'a>(&'a self, step: &'a Step, text: &str, fields: &mut Fields) -> Result<(), CellError<'a>> {
        let value = match step.spec.kind {
            FieldType::Text => {
                // PostgreSQL keeps no zero byte, a terminal obeys others, and a name of two lines is found under neither.
                if let Some(control) = control(text) {
                    return Err(CellError::Control(control));
                }
                if step.spec.names && !text.chars().any(char::is_alphanumeric) {
                    return Err(CellError::Nameless);
                }
                // Neither engine indexes a text of any length.
                let limit = if step.spec.lists { MAX_LIST_CHARS } else { MAX_TEXT_CHARS };
                if text.len() > limit && text.chars().count() > limit {
                    return Err(CellError::TooLong(limit));
                }
                fields.store.keep(text).ok_or(CellError::TooLong(limit))?
            }
            FieldType::Choice(words) => Value::Choice(choice(words, text).ok_or(CellError::Choice(words))?),
            FieldType::Integer => {
                let n = cell::integer(text).ok_or(CellError::Integer)?;
                step.spec.min.filter(|min| n < *min).map_or(Ok(()), |min| Err(CellError::Below(min)))?;
                Value::Int(n)
            }
            FieldType::Decimal => {
                let n = cell::decimal(text).ok_or(CellError::Decimal)?;
                if let Some(min) = step.spec.min
                    && n < min.into()
                {
                    return Err(CellError::Below(min));
                }
                Value::Decimal(n)
            }
            FieldType::Zone => Value::Zone(fields.zones.named(text).ok_or(CellError::Zone)?),
            FieldType::Day | FieldType::Instant => {
                let formats = step.from.formats.as_ref().unwrap_or(&self.formats);
                let written = formats.read(text).map_err(|wrong| CellError::Date(formats, wrong))?;
                Self::timed(step, written, fields)?
            }
        };
        fields.store.set(step.field, value);
        Ok(())
    }

    /// A date or time in the zone of its stop.
    #[inline]
    fn timed(step: &Step, written: Written, fields: &mut Fields) -> Result<Value, CellError<'static>> {
        let day = matches!(step.spec.kind, FieldType::Day);
        // Also a computed one.
        if !written.is_kept() {
            return Err(CellError::Year(written.date().year()));
        }
        match written {
            Written::Day(date) if day => return Ok(Value::Day(date)),
            Written::Local(local) if day => return Ok(Value::Day(local.date())),
            Written::Utc(utc) if !day => return Ok(Value::Instant(Instant { utc, date_only: false })),
            _ => {}
        }
        let zone = fields.zone_for(step.zone_field).ok_or(CellError::NoZone)?;
        let instant = fields.zones.instant(zone, written, step.spec.edge, step.spec.starts_day);
        let instant = instant.ok_or_else(|| CellError::Year(written.date().year()))?;
        if day {
            return Ok(Value::Day(instant.utc.with_timezone(&fields.zones.zone(zone)).date_naive()));
        }
        Ok(Value::Instant(instant))
    }

    fn compute(&self, step: &Step, expr: &Expr, row: &Row, fields: &mut Fields) -> Result<(), String> {
        let zone = fields.zone_for(step.zone_field);
        let no_value = step.from.no_value.as_ref().unwrap_or(&self.no_value);
        let found = {
            let Fields { store, zones, .. } = fields;
            let mut env = Env {
                row,
                store,
                zones,
                zone,
                edge: step.spec.edge,
                starts_day: step.spec.starts_day,
                formats: step.from.formats.as_ref().unwrap_or(&self.formats),
                no_value,
            };
            expr.run(&mut env)?.into_owned()
        };
        let whole = |e: CellError<'_>| e.reason();
        match found {
            Val::Blank => return Ok(()),
            Val::Instant(instant, _) if !Written::Utc(instant.utc).is_kept() => {
                return Err(whole(CellError::Year(instant.utc.year())));
            }
            Val::Instant(instant, _) if matches!(step.spec.kind, FieldType::Instant) => {
                fields.store.set(step.field, Value::Instant(instant));
            }
            Val::Instant(instant, zone) if matches!(step.spec.kind, FieldType::Day) => {
                let day = instant.utc.with_timezone(&fields.zones.zone(zone)).date_naive();
                fields.store.set(step.field, Value::Day(day));
            }
            Val::Date(day) if matches!(step.spec.kind, FieldType::Day | FieldType::Instant) => {
                let value = Self::timed(step, Written::Day(day), fields).map_err(whole)?;
                fields.store.set(step.field, value);
            }
            other => {
                let text = written(other);
                let text = step.from.values.get(&*text).map_or(&*text, String::as_str);
                self.read(step, text, fields).map_err(|e| format!("`{text}` {}", e.reason()))?;
            }
        }
        Ok(())
    }
}

/// Place of a word, whatever its case; yes and no have other forms.
#[inline]
fn choice(words: &[&str], text: &str) -> Option<u8> {
    let place = words.iter().position(|word| word.eq_ignore_ascii_case(text));
    let place = place.or_else(|| match text.to_ascii_lowercase().as_str() {
        "y" | "true" | "1" if words == YES_NO => Some(0),
        "n" | "false" | "0" if words == YES_NO => Some(1),
        _ => None,
    });
    place.and_then(|place| u8::try_from(place).ok())
}

/// The first control character of a text, if there is one. No others are below the space, and all others have this
/// byte in front.
#[inline]
fn control(text: &str) -> Option<char> {
    const BEFORE_C1: u8 = 0xC2;
    let may_be = |byte: u8| byte.is_ascii_control() || byte == BEFORE_C1;
    if text.bytes().any(may_be) { text.chars().find(|c| c.is_control()) } else { None }
}

fn control_words(control: char) -> String {
    match control {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        '\0' => "a zero byte".to_owned(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    }
}

/// Why a cell cannot be read; cheap to make, put into words only when shown.
#[derive(Clone, Copy, Debug)]
enum CellError<'a> {
    Choice(&'static [&'static str]),
    Integer,
    Decimal,
    Below(i64),
    Date(&'a DateFormats, NoDate),
    Year(i32),
    Zone,
    NoZone,
    TooLong(usize),
    Control(char),
    Nameless,
    Cut,
}

impl CellError<'_> {
    fn reason(self) -> String {
        match self {
            Self::Choice(words) => format!("is none of {}", words.join(", ")),
            Self::Integer => "is not a whole number".to_owned(),
            Self::Decimal => {
                "is not a number (digits and one decimal point, no separators, no exponent)".to_owned()
            }
            Self::Below(min) => format!("is below {min}, the smallest value allowed"),
            Self::Date(formats, wrong) => formats.reason(wrong),
            Self::Year(year) => DateFormats::default().reason(NoDate::Year(year)),
            Self::Zone => "is not an IANA zone such as America/Chicago".to_owned(),
            Self::NoZone => {
                "is a time without a zone; add `zone = \"…\"` to the mapping or map the zone column"
                    .to_owned()
            }
            Self::Nameless => "has no letter and no digit, so nobody could find it again".to_owned(),
            Self::Cut => {
                "is a number of more than 15 digits, of which a workbook keeps 15, so that two numbers may have become \
                 one; write it as text"
                    .to_owned()
            }
            Self::TooLong(limit) => format!("is longer than {limit} characters"),
            Self::Control(control) => {
                format!("holds {}, which no text may hold; take it out", control_words(control))
            }
        }
    }

    fn at(self, column: &str, value: &str) -> RowError {
        RowError::cell(column, value, self.reason())
    }
}
