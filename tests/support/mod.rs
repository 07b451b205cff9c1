//! What every test stands on: a fresh database, and the service over it.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod app;
pub mod books;
pub mod contract;
pub mod data;
pub mod db;
pub mod dump;
pub mod process;
pub mod server;
