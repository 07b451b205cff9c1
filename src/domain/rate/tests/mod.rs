//! The engine by worked examples, by properties against a plain `rust_decimal` rating, and by bad input.

mod cases;
mod properties;
mod reference;
mod refusals;
pub(super) mod samples;
mod tables;
