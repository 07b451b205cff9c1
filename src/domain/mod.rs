//! The rules: pure functions and values. No I/O, no database, no web, no clock.
//!
//! Reading order: values ([`money`], [`period`], [`calendar`]), facts ([`shipment`], [`tender`], [`beside`], [`baseline`]),
//! verdicts ([`outcome`], [`attribution`], [`exclusion`], [`declared_event`], [`challenge`]), sums ([`measure`], [`causes`], [`kpi`],
//! [`formula`]), judgement ([`interval`], [`signal`],
//! [`scorecard`]), price ([`rate`], [`accessorial`], [`fuel`], [`expected`],
//! [`backtest`], [`charge_code`], [`calibration`], [`audit`]), agreement ([`lifecycle`], [`terms`]), money ([`clause`], [`ledger`], [`books`]), planning ([`forecast`], [`capacity`]).

pub mod accessorial;
pub mod attachment;
pub mod attention;
pub mod attribution;
pub mod audit;
pub mod backoff;
pub mod backtest;
pub mod baseline;
pub mod beside;
pub mod books;
pub mod calendar;
pub mod calibration;
pub mod capacity;
pub mod causes;
pub mod challenge;
pub mod charge_code;
pub mod claim;
pub mod clause;
pub mod commitment;
pub mod compare;
pub mod contract;
pub mod corrective;
pub mod currency;
pub mod declared_event;
pub mod digest;
pub mod dispute;
pub mod exact;
pub mod exception;
pub mod exclusion;
pub mod expected;
pub mod field;
pub mod forecast;
pub mod formula;
pub mod freight;
pub mod fuel;
pub mod geo;
#[cfg(test)]
mod golden;
pub mod guard;
pub mod holiday;
pub mod interval;
pub mod known;
pub mod kpi;
pub mod ledger;
pub mod lifecycle;
pub mod measure;
pub mod money;
pub mod nearest;
pub mod negotiation;
pub mod notice;
pub mod outcome;
pub mod partner;
pub mod period;
pub mod quality;
pub mod quantity;
pub mod rate;
pub mod role_change;
pub mod scorecard;
pub mod service_level;
pub mod settlement;
pub mod shipment;
pub mod signal;
pub mod statement;
pub mod status;
pub mod syntax;
pub mod tender;
pub mod terms;
pub mod tier;
pub mod viewer;
pub mod words;
