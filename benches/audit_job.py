#!/usr/bin/env python3
"""The audit of invoices against a bare comparison of rates, in one run.

    cargo build --release
    python3 benches/audit_job.py --postgres postgres://postgres@127.0.0.1/postgres

Needs DuckDB (`pip install duckdb`). One partner bills its shipments, three lines each: linehaul, fuel and an accessorial nobody
agreed to. Most are billed as priced, one in fifty has too much linehaul, one in a hundred bills a shipment a second time. The job does
all its checks and keeps every result; DuckDB joins the same lines, loaded before, to the same expected amounts and keeps
what is beyond the tolerance, no more. It does so twice: with its tables in memory, and with tables and result in a database file, where
ours are.
"""

import argparse
import csv
import json
import pathlib
import tempfile
import time

from main_job import AS_OF, LAST_DAY, ROWS_A_DAY, Engine, feed, in_child, lanemark, run
from rates_job import BANDS, CONTRACT, FUEL, MAPPING, PARTNER, WEEKS, day, write_own

LINES = 3
# The draft comes into force without the people who would sign it.
IN_FORCE = """
INSERT INTO rate_items SELECT partner_id, id, 'FUEL', 0, '405', '{fuel}' FROM contract_versions;
UPDATE contract_versions SET status = 'ACTIVE', valid_from = {start};
UPDATE contracts SET status = 'ACTIVE', term_start = {start};
"""
STARTS = {"sqlite": "19723", "postgres": "date '2024-01-01'"}
PRICED = """
SELECT s.reference, s.obligation_day, e.base_micros, e.fuel_micros FROM expected_charges e JOIN shipments s
  ON s.obligation_day = e.obligation_day AND s.partner_id = e.partner_id AND s.id = e.shipment_id
WHERE e.status = 'RATED' ORDER BY s.reference
"""
# A line is worth a look beyond 1 % of what is owed and more than one unit, or where nothing is owed.
DUCKDB_AUDIT = """
CREATE OR REPLACE TABLE found AS
SELECT billed.*, owed.amount AS owed, owed.amount IS NULL OR abs(billed.amount - owed.amount) > greatest(1.00, owed.amount * 0.01) AS differs
FROM billed LEFT JOIN owed USING (shipment, category)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, default=100_000, help="how many, of three lines each")
    parser.add_argument("--engines", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--postgres", help="address of a server where databases may be made; without it SQLite alone")
    parser.add_argument("--folder", type=pathlib.Path, help="where files go and stay; a temporary one otherwise")
    parser.add_argument("--keep", action="store_true", help="leave the databases")
    parser.add_argument("--out", type=pathlib.Path, help="also write the results as JSON here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        engines = [name for name in options.engines if name == "sqlite" or options.postgres]
        results = [measure(Engine(name, folder, options.postgres), options, folder) for name in engines]
    print(json.dumps(results, indent=1))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


def measure(engine, options, folder):
    """The job and DuckDB over the same lines: rows a second of both."""
    label = f"audit{options.invoices}"
    url = engine.fresh(label)
    priced = folder / f"priced-{engine.name}-{options.invoices}.csv"
    bills = folder / f"invoices-{options.invoices}.csv"
    price(engine, url, options.invoices, folder)
    priced.write_text(query(engine, url, PRICED))
    lines = in_child(write_bills, priced, bills)
    imported, _, out = lanemark(url, "import", "invoices", bills, "--no-refresh")
    assert json.loads(out)["rows_new"] == lines, out
    seconds, memory, out = lanemark(url, "job", "run", "audit-freight", "--as-of", AS_OF)
    looked = int(query(engine, url, "SELECT count(DISTINCT invoice_id) FROM invoice_audits"))
    assert looked * LINES == lines, (looked, lines, out)
    again, _, _ = lanemark(url, "job", "run", "audit-freight", "--as-of", AS_OF)
    peer = in_child(duckdb_audit, bills, priced, ":memory:")
    file = folder / f"audit-{engine.name}.duckdb"
    file.unlink(missing_ok=True)
    stored = in_child(duckdb_audit, bills, priced, str(file))
    file.unlink()
    assert peer["lines"] == stored["lines"] == lines, (peer, stored, lines)
    if not options.keep:
        engine.drop(label)
    ours, theirs, in_file = (lines / took for took in (seconds, peer["seconds"], stored["seconds"]))
    return {"engine": engine.name, "invoices": looked, "lines": lines, "import_s": imported, "audit_s": seconds, "audit_mb": memory,
            "nothing_new_s": again, "duckdb_s": peer["seconds"], "duckdb_load_and_join_s": peer["load_and_join"], "duckdb_in_a_file_s": stored["seconds"],
            "lines_s": ours, "duckdb_lines_s": theirs, "ratio": ours / theirs, "ratio_in_a_file": ours / in_file,
            "lines_beyond_tolerance": peer["differ"]}


def query(engine, url, statement):
    """The rows of a statement as csv without a head."""
    if engine.name == "sqlite":
        return run("sqlite3", "-csv", url.removeprefix("sqlite://"), statement)[2]
    return run("psql", "-q", "-t", "--csv", "-c", statement, url)[2]


def price(engine, url, invoices, folder):
    """A partner's shipments with a contract in force that prices them."""
    own, sheet, prices, mapping = folder / f"own-{invoices}.csv", folder / "bands.csv", folder / "prices.csv", folder / "bench.toml"
    in_child(write_own, own, feed(folder, invoices, LAST_DAY + 1 - -(-invoices // ROWS_A_DAY)))
    mapping.write_text(MAPPING)
    sheet.write_text("line,weight_from,rate\n" + "".join(f"TL,{n * 200},{(190 - n) / 100:.2f}\n" for n in range(BANDS)))
    weeks = [f"DIESEL,{day(7 * n)},{2.5 + n * 37 % 23 / 100:.2f}\n" for n in range(WEEKS)]
    prices.write_text("index,published_on,price\n" + "".join(weeks))
    lanemark(url, "import", "shipments", own, "--no-refresh")
    lanemark(url, "import", "fuel", prices)
    lanemark(url, "import", "rates", sheet, "--mapping", mapping, "--contract", CONTRACT, "--partner", PARTNER)
    engine.sql(url, IN_FORCE.format(fuel=json.dumps(FUEL), start=STARTS[engine.name]))
    lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)


def write_bills(priced, bills):
    """An invoice for each priced shipment; how many lines it wrote."""
    count = 0
    with open(priced) as rows, open(bills, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["invoice", "partner", "issued_on", "received_on", "shipment", "code", "category", "amount"])
        before = None
        for n, (reference, _, base, fuel) in enumerate(csv.reader(rows)):
            own = (reference, int(base) // 10_000, int(fuel) // 10_000)
            shipment, base, fuel = before if before and n % 100 == 99 else own
            before = own
            head = [f"B-{n:07}", PARTNER, "2024-11-25", "2024-11-27", shipment]
            for code, category, cents in [("400", "LINEHAUL", base * 11 // 10 if n % 50 == 7 else base), ("405", "FUEL", fuel),
                                          ("DTU", "ACCESSORIAL", 4_500)]:
                out.writerow([*head, code, category, f"{cents // 100}.{cents % 100:02}"])
                count += 1
    return count


def duckdb_audit(bills, priced, where):
    import duckdb
    db = duckdb.connect(where)
    db.execute("SET threads = 2")
    loading = time.perf_counter()
    db.execute(f"CREATE TABLE billed AS SELECT invoice, shipment, category, CAST(amount AS DECIMAL(12, 2)) AS amount FROM read_csv('{bills}', all_varchar = true)")
    columns = "{'shipment': 'VARCHAR', 'due': 'VARCHAR', 'base': 'BIGINT', 'fuel': 'BIGINT'}"
    db.execute(f"CREATE TABLE priced AS SELECT * FROM read_csv('{priced}', header = false, columns = {columns})")
    db.execute("CREATE TABLE owed AS SELECT shipment, 'LINEHAUL' AS category, CAST(base / 1000000 AS DECIMAL(12, 2)) AS amount FROM priced"
               " UNION ALL SELECT shipment, 'FUEL', CAST(fuel / 1000000 AS DECIMAL(12, 2)) FROM priced")
    loaded = time.perf_counter() - loading
    if where != ":memory:":
        # Written out and opened anew, as the job finds its own; then the result is written out too.
        db.execute("CHECKPOINT")
        db.close()
        db = duckdb.connect(where)
        db.execute("SET threads = 2")
    began = time.perf_counter()
    db.execute(DUCKDB_AUDIT)
    if where != ":memory:":
        db.execute("CHECKPOINT")
    seconds = time.perf_counter() - began
    lines, differ = db.execute("SELECT count(*), count(*) FILTER (differs) FROM found").fetchone()
    return {"seconds": seconds, "load_and_join": seconds + loaded, "lines": lines, "differ": differ}


if __name__ == "__main__":
    main()
