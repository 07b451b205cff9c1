//! Work that is interrupted, done twice, or done by two at once.

mod beside;
mod crash;
mod nodes;
mod twice;
