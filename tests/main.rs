//! The one integration binary: everything that needs a database or the whole service.
#![allow(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod browser;
mod feeds;
mod house;
mod jobs;
mod rates;
mod support;
mod web;
