//! Writes a csv feed of shipments for the throughput bench: `feed ROWS FILE [FIRST_DAY_OFFSET]`.
//!
//! 50 partners, 2,000 lanes with three partners each, 30,000 shipments a day, instants in UTC, columns
//! named as our fields. The same arguments give the same bytes.

use std::fs::File;
use std::io::{BufWriter, Write};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Shipments a day, as the bench's day feed has them.
const ROWS_A_DAY: u64 = 30_000;
const PARTNERS: u64 = 50;
const LANES: u64 = 2_000;
const SERVICES: [&str; 4] = ["standard", "express", "economy", "dedicated"];
const HEADER: &str = "reference,partner,lane,service,mode,pickup_zone,delivery_zone,pickup_window_end,pickup_arrived_at,picked_up_at,delivery_window_start,delivery_window_end,arrived_at,arrived_received_at,delivered_at,attempts,first_attempt,disposition,weight_kg,linehaul,fuel,accessorial,rated_total";

/// A small fixed generator (splitmix64): the bench needs speed and repeatability, not quality.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo bench` passes its own flags too.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [rows, file, rest @ ..] = arguments.as_slice() else {
        println!("usage: feed ROWS FILE [FIRST_DAY_OFFSET]");
        return Ok(());
    };
    let rows: u64 = rows.parse()?;
    let offset: u64 = rest.first().map_or(Ok(0), |text| text.parse())?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    writeln!(out, "{HEADER}")?;
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).ok_or("no such day")?;
    for row in 0..rows {
        let day = offset + row / ROWS_A_DAY;
        let midnight = (first + TimeDelta::days(i64::try_from(day)?))
            .and_hms_opt(0, 0, 0)
            .ok_or("no such time")?
            .and_utc();
        write_row(&mut out, offset * ROWS_A_DAY + row, midnight)?;
    }
    out.flush()?;
    Ok(())
}

fn write_row(
    out: &mut impl Write,
    number: u64,
    midnight: DateTime<Utc>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Rng(number);
    let lane = rng.below(LANES);
    let partner = (lane * 7 + rng.below(3) * 11) % PARTNERS;
    let service = SERVICES.get(usize::try_from(rng.below(4))?).copied().unwrap_or("standard");
    let minutes = |count: u64| TimeDelta::minutes(i64::try_from(count).unwrap_or(0));
    let due = midnight + minutes(8 * 60 + rng.below(9 * 60));
    let pickup = due - minutes(20 * 60 + rng.below(4 * 60));
    let late = rng.below(100) < 3 + partner % 12;
    let arrived = if late { due + minutes(20 + rng.below(600)) } else { due - minutes(rng.below(90)) };
    let reported = rng.below(100) >= 2;
    let iso = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let evidence = |at: DateTime<Utc>| if reported { iso(at) } else { String::new() };
    let attempts = 1 + u64::from(rng.below(20) == 0);
    let linehaul = 20_000 + rng.below(90_000);
    let fuel = linehaul / 5;
    let accessorial = if rng.below(6) == 0 { 1_500 + rng.below(6_000) } else { 0 };
    let rated = linehaul + fuel + accessorial * 9 / 10;
    let money = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    writeln!(
        out,
        "S{number:09},C{partner:02},L{lane:04},{service},TL,America/Chicago,America/Chicago,{},{},{},{},{},{},{},{},{attempts},{},DELIVERED,{}.{:03},{},{},{},{}",
        iso(pickup),
        iso(pickup - minutes(rng.below(40))),
        iso(pickup + minutes(30)),
        iso(due - minutes(120)),
        iso(due),
        evidence(arrived),
        evidence(arrived + minutes(5 + rng.below(80))),
        evidence(arrived + minutes(45)),
        if attempts == 1 { "SUCCESS" } else { "FAILED" },
        100 + rng.below(18_000),
        rng.below(1_000),
        money(linehaul),
        money(fuel),
        money(accessorial),
        money(rated),
    )?;
    Ok(())
}
