//! Outbound drawings and documents, made from domain values; no database, no web.

pub mod chart;
pub mod rates;
pub mod sheet;
