//! Work that is interrupted, done twice, or done by two at once.

mod backtests;
mod beside;
mod books;
mod crash;
mod disputes;
mod kills;
mod nodes;
mod twice;
