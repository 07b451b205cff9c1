//! Lanemark: where a shipper and its carriers agree what good looks like, measure it, and settle up.

pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod feeds;
pub mod jobs;
pub mod mail;
pub mod report;
pub mod web;
