//! Inbound formats → typed records: no database, no clock.
//!
//! A file is opened by [`table::TableReader`] (csv, tsv, their gzip forms, xlsx), a
//! [`mapping::Mapping`] is compiled against its columns, and every row becomes the typed fields of
//! its [`kind::ImportKind`], or one line of the rejects file ([`rejects`]).

pub mod attachment;
pub mod cell;
pub mod error;
pub mod expr;
pub mod fields;
pub mod kind;
pub mod mapping;
pub mod rates;
pub mod rejects;
pub mod table;
pub mod terms;

pub use error::{FeedError, RowError};
