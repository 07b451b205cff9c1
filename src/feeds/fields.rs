//! The typed values of one row: one flat vector, filled again for every row.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;

pub use crate::feeds::cell::Instant;
use crate::feeds::cell::{ZoneBook, ZoneId};
use crate::feeds::kind::{Field, FieldType, ImportKind};

/// One value. Texts stand in the row's own text, so that no row allocates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Blank,
    /// A text: where it starts and ends.
    Text {
        /// First byte.
        start: u32,
        /// Byte after the last.
        end: u32,
    },
    /// Place in the words of a [`FieldType::Choice`].
    Choice(u8),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// A calendar day.
    Day(NaiveDate),
    /// An instant.
    Instant(Instant),
    /// A zone.
    Zone(ZoneId),
}

/// Values and their texts.
#[derive(Debug)]
pub(super) struct Store {
    kind: ImportKind,
    values: Vec<Value>,
    text: String,
}

/// The typed fields of one row. Made by [`Compiled::fields`](super::mapping::Compiled::fields),
/// filled by [`Compiled::apply`](super::mapping::Compiled::apply).
#[derive(Debug)]
pub struct Fields {
    pub(super) store: Store,
    pub(super) zones: ZoneBook,
    pub(super) default_zone: Option<ZoneId>,
}

impl Store {
    fn new(kind: ImportKind) -> Self {
        Self { kind, values: vec![Value::Blank; kind.specs().len()], text: String::new() }
    }

    pub(super) fn clear(&mut self) {
        self.values.fill(Value::Blank);
        self.text.clear();
    }

    #[inline]
    pub(super) fn set(&mut self, field: Field, value: Value) {
        if let Some(slot) = self.values.get_mut(field.index()) {
            *slot = value;
        }
    }

    /// Keeps a text; `None` when a row's texts pass 4 GiB, which the reader's limits prevent.
    #[inline]
    pub(super) fn keep(&mut self, text: &str) -> Option<Value> {
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.push_str(text);
        Some(Value::Text { start, end: u32::try_from(self.text.len()).ok()? })
    }

    #[inline]
    pub(super) fn value(&self, field: Field) -> Value {
        self.values.get(field.index()).copied().unwrap_or_default()
    }

    pub(super) fn slice(&self, start: u32, end: u32) -> Option<&str> {
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    pub(super) fn word(&self, field: Field, place: u8) -> Option<&'static str> {
        match self.kind.spec(field)?.kind {
            FieldType::Choice(words) => words.get(usize::from(place)).copied(),
            _ => None,
        }
    }
}

impl Fields {
    pub(super) fn new(kind: ImportKind) -> Self {
        Self { store: Store::new(kind), zones: ZoneBook::default(), default_zone: None }
    }

    /// The zone a row names in `field`, else the mapping's.
    #[inline]
    pub(super) fn zone_for(&self, field: Option<Field>) -> Option<ZoneId> {
        match field.map(|field| self.store.value(field)) {
            Some(Value::Zone(id)) => Some(id),
            _ => self.default_zone,
        }
    }

    /// The value as it is.
    #[must_use]
    #[inline]
    pub fn value(&self, field: Field) -> Value {
        self.store.value(field)
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_blank(&self, field: Field) -> bool {
        self.value(field) == Value::Blank
    }

    /// A text, the word of a choice, or the name of a zone. Never empty text.
    #[must_use]
    #[inline]
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.value(field) {
            Value::Text { start, end } => self.store.slice(start, end),
            Value::Choice(place) => self.store.word(field, place),
            Value::Zone(id) => Some(self.zones.zone(id).name()),
            _ => None,
        }
    }

    /// Place of a choice in its words.
    #[must_use]
    pub fn choice(&self, field: Field) -> Option<u8> {
        match self.value(field) {
            Value::Choice(place) => Some(place),
            _ => None,
        }
    }

    /// Whether a yes-or-no field says yes; `None` when it says nothing.
    #[must_use]
    pub fn yes(&self, field: Field) -> Option<bool> {
        self.choice(field).map(|place| place == 0)
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self, field: Field) -> Option<i64> {
        match self.value(field) {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    /// An exact decimal.
    #[must_use]
    pub fn decimal(&self, field: Field) -> Option<Decimal> {
        match self.value(field) {
            Value::Decimal(n) => Some(n),
            _ => None,
        }
    }

    /// A calendar day.
    #[must_use]
    pub fn day(&self, field: Field) -> Option<NaiveDate> {
        match self.value(field) {
            Value::Day(day) => Some(day),
            _ => None,
        }
    }

    /// An instant.
    #[must_use]
    pub fn instant(&self, field: Field) -> Option<Instant> {
        match self.value(field) {
            Value::Instant(instant) => Some(instant),
            _ => None,
        }
    }

    /// The zone of a zone field.
    #[must_use]
    pub fn zone(&self, field: Field) -> Option<Tz> {
        match self.value(field) {
            Value::Zone(id) => Some(self.zones.zone(id)),
            _ => None,
        }
    }
}
