#!/usr/bin/env python3
"""Rates against their peer, in one run: replaying a year, a late fuel price, a sheet of a million rates.

    cargo build --release && python3 benches/rates_job.py

Needs DuckDB (`pip install duckdb`). SQLite only: the peer reads the same columns once and rates them by a join, written as a
DuckDB user would, and both must come to the same cent. How many shipments one thread rates is `cargo bench --bench rate`.
"""

import argparse
import json
import pathlib
import tempfile
import time
import zipfile

from main_job import AS_OF, LAST_DAY, ROWS_A_DAY, Engine, feed, in_child, lanemark, run

CONTRACT, PARTNER = "C00-2024", "C00"
BANDS = 94
WEEKS = 53
MAPPING = """
kind = "rates"
name = "bench"

[rates]
basis = "PER_WEIGHT"
weight_unit = "KG"
discount_percent = "35"
minimum = "95.00"
"""
# Percent of the linehaul by the week's price, `(price - 2) / 0.25` to three decimals, in force from the day after.
FUEL = {"code": "405", "label": "Fuel surcharge", "index": "DIESEL", "basis": "PCT_OF_BASE",
        "method": {"method": "FORMULA", "peg": 2_000_000, "mpg": 250_000}, "effective_days": 1, "cadence_days": 7}
# The draft comes into force without the people who would sign it; the programme has no sheet of its own.
IN_FORCE = """
INSERT INTO rate_items SELECT partner_id, id, 'FUEL', 0, '405', '{fuel}' FROM contract_versions;
UPDATE contract_versions SET status = 'ACTIVE', valid_from = 19723;
UPDATE contracts SET status = 'ACTIVE', term_start = 19723;
"""
DUCKDB_RATES = """
CREATE TABLE bands AS SELECT * FROM read_csv('{sheet}', types = {{'rate': 'DECIMAL(9, 3)'}});
CREATE TABLE prices AS SELECT published_on + 1 AS valid_from, price FROM read_csv('{prices}', types = {{'price': 'DECIMAL(9, 3)'}});
"""
DUCKDB_RATING = """
WITH shipped AS (
  SELECT reference, lane, service, weight_kg, CAST(picked_up_at AT TIME ZONE pickup_zone AS DATE) AS picked_up,
    date_trunc('month', CAST(delivery_window_end AT TIME ZONE delivery_zone AS DATE)) AS month
  FROM feed
), based AS (
  SELECT shipped.*, greatest(95.00, round(round(weight_kg * rate, 2) * 0.65, 2)) AS base
  FROM shipped ASOF JOIN bands ON shipped.weight_kg >= bands.weight_from
), fuelled AS (
  SELECT based.*, round(base * round((price - 2) * 4, 3) * 0.01, 2) AS fuel
  FROM based ASOF JOIN prices ON based.picked_up >= prices.valid_from
)
SELECT month, service, lane, count(*) AS n, sum(base) AS base, sum(fuel) AS fuel FROM fuelled GROUP BY ALL
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="rows of history, several for the late price")
    parser.add_argument("--folder", type=pathlib.Path, help="where files go and stay; a temporary one otherwise")
    parser.add_argument("--out", type=pathlib.Path, help="also write the results as JSON here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        results = {"sheet": measure_sheet(folder), "history": [measure_history(folder, rows) for rows in options.rows]}
    print(json.dumps(results, indent=1))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


def measure_history(folder, rows):
    """The backtest against DuckDB, then a price that comes late."""
    engine = Engine("sqlite", folder, None)
    url = engine.fresh(f"r{rows}")
    own, sheet, prices, mapping = folder / f"own-{rows}.csv", folder / "bands.csv", folder / "prices.csv", folder / "bench.toml"
    in_child(write_own, own, feed(folder, rows, LAST_DAY + 1 - -(-rows // ROWS_A_DAY)))
    mapping.write_text(MAPPING)
    sheet.write_text("line,weight_from,rate\n" + "".join(f"TL,{n * 200},{(190 - n) / 100:.2f}\n" for n in range(BANDS)))
    weeks = [f"DIESEL,{day(7 * n)},{2.5 + n * 37 % 23 / 100:.2f}\n" for n in range(WEEKS)]
    # The last price is the one that comes late.
    shown = "index,published_on,price\n"
    prices.write_text(shown + "".join(weeks[:46]))
    lanemark(url, "import", "shipments", own, "--no-refresh")
    lanemark(url, "import", "fuel", prices)
    lanemark(url, "import", "rates", sheet, "--mapping", mapping, "--contract", CONTRACT, "--partner", PARTNER)
    engine.sql(url, IN_FORCE.format(fuel=json.dumps(FUEL)))
    priced, memory, _ = lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)
    seconds, backtest_mb, out = lanemark(url, "backtest", "--contract", CONTRACT, "--period", "2024")
    ours = json.loads(out)["total"]["in_force"]
    peer = in_child(duckdb_rating, own, sheet, prices)
    assert (ours["rated"], ours["total"]) == (peer["rated"], peer["total"]), (ours, peer)
    late = folder / "late.csv"
    late.write_text(shown + weeks[46])
    _, _, _ = lanemark(url, "import", "fuel", late, "--no-refresh")
    rerated, _, out = lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)
    return {"rows": rows, "first_pricing_s": priced, "first_pricing_mb": memory, "backtest_s": seconds, "backtest_mb": backtest_mb,
            "duckdb_s": peer["seconds"], "ratio": seconds / peer["seconds"], "late_price_s": rerated, "late_price_charges": json.loads(out)["details"]["charges"]}


def measure_sheet(folder):
    """A sheet of a million rates, csv and workbook: seconds and memory."""
    csv, book, mapping = folder / "million.csv", folder / "million.xlsx", folder / "matrix.toml"
    in_child(write_sheets, csv, book, mapping)
    found = {}
    for name, path, more in [("csv", csv, []), ("xlsx", book, ["--mapping", mapping])]:
        url = Engine("sqlite", folder, None).fresh("sheet")
        seconds, memory, out = lanemark(url, "import", "rates", path, "--contract", CONTRACT, "--partner", PARTNER, *more)
        found[name] = {"seconds": seconds, "mb": memory, "report": json.loads(out)}
    return found


def write_sheets(csv, book, mapping):
    rows = [(f"Z{zone}", weight, f"{10 + weight / 50 + zone / 100:.2f}") for weight in range(1_000) for zone in range(1_000)]
    csv.write_text("line,column,weight_from,rate\n" + "".join(f"GROUND,{z},{w},{r}\n" for z, w, r in rows))
    write_book(book, [["weight_from"] + [f"Z{zone}" for zone in range(1_000)]]
               + [[str(w)] + [f"{10 + w / 50 + zone / 100:.2f}" for zone in range(1_000)] for w in range(1_000)])
    mapping.write_text('kind = "rates"\nname = "matrix"\n[rates]\nmatrix = { across = "ZONE" }\n[fields]\nline = { constant = "GROUND" }\nweight_from = "weight_from"\n')


def write_book(path, rows):
    """The least workbook: one sheet of numbers under a row of names."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Rates" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for number, row in enumerate(rows, 1):
                cell = '<c t="inlineStr"><is><t>{}</t></is></c>' if number == 1 else "<c><v>{}</v></c>"
                sheet.write(f'<row r="{number}">{"".join(map(cell.format, row))}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")


def day(n):
    import datetime
    return datetime.date(2024, 1, 1) + datetime.timedelta(days=n)


def write_own(path, history):
    """The history as if one partner had carried it all."""
    import duckdb
    if not path.exists():
        duckdb.execute(f"COPY (SELECT * REPLACE ('{PARTNER}' AS partner) FROM read_csv('{history}')) TO '{path}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")


def duckdb_rating(own, sheet, prices):
    import duckdb
    db = duckdb.connect()
    db.execute("SET threads = 2")
    db.execute(f"CREATE TABLE feed AS SELECT reference, lane, service, CAST(weight_kg AS DECIMAL(12, 3)) AS weight_kg, pickup_zone, delivery_zone, CAST(picked_up_at AS TIMESTAMPTZ) AS picked_up_at, CAST(delivery_window_end AS TIMESTAMPTZ) AS delivery_window_end FROM read_csv('{own}')")
    db.execute(DUCKDB_RATES.format(sheet=sheet, prices=prices))
    began = time.perf_counter()
    rows = db.execute(DUCKDB_RATING).fetchall()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "rated": sum(row[3] for row in rows), "total": str(sum(row[4] + row[5] for row in rows))}


if __name__ == "__main__":
    main()
