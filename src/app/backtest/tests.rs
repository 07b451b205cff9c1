//! Backtests through the database, on both engines.
