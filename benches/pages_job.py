#!/usr/bin/env python3
"""Pages that many people open, each against a static file from the same server in the same run.

    cargo build --release
    python3 benches/pages_job.py --postgres postgres://postgres@127.0.0.1/postgres

The portfolio: all partners of a month, 200 partners with 24 scored months of a catalogue's worth of KPIs. The drill-down: the
first page of shipments behind one KPI of one partner, out of --rows shipments. 50 readers each. Loopback only.
"""

import argparse
import json
import pathlib
import shutil
import tempfile
import urllib.request

from main_job import AS_OF, MONTH, ROWS_A_DAY, LAST_DAY, Engine, feed, in_child, lanemark, latency, served, sign_in, static_path

PARTNERS, MONTHS, A_MONTH = 200, 24, 60

# Sixty loads a month and partner, two in a hundred never reported, some partners later than others.
PORTFOLIO = """
WITH rows AS (
  SELECT m, p, k, hash(m, p, k, 1) AS h FROM range({months}) AS a (m), range({partners}) AS b (p), range({loads}) AS c (k)
), dated AS (
  SELECT *, CAST(date '2023-01-01' + to_months(CAST(m AS INTEGER)) AS TIMESTAMP) + to_days(CAST(k % 27 AS INTEGER)) + to_minutes(CAST(600 + h % 400 AS INTEGER)) AS due FROM rows
), moved AS (
  SELECT *, CASE WHEN h // 7 % 100 < 2 THEN NULL WHEN h // 700 % 100 < 3 + p % 15 THEN due + to_minutes(CAST(20 + h // 11 % 600 AS INTEGER))
    ELSE due - to_minutes(CAST(h // 13 % 90 AS INTEGER)) END AS arrived FROM dated
)
SELECT format('P{{}}-{{}}-{{}}', m, p, k) AS reference, format('C{{:03}}', p) AS partner, format('L{{:03}}', p * 3 + k % 3) AS lane,
  'standard' AS service, 'TL' AS mode, 'America/Chicago' AS pickup_zone, 'America/Chicago' AS delivery_zone,
  due - to_minutes(1300) AS pickup_window_end, due - to_minutes(CAST(1330 - h // 17 % 60 AS INTEGER)) AS pickup_arrived_at,
  due AS delivery_window_end, arrived AS arrived_at, arrived + to_minutes(CAST(5 + h // 19 % 90 AS INTEGER)) AS arrived_received_at,
  arrived + to_minutes(45) AS delivered_at, 1 + CAST(h // 23 % 20 = 0 AS INTEGER) AS attempts,
  CASE WHEN h // 23 % 20 = 0 THEN 'FAILED' ELSE 'SUCCESS' END AS first_attempt, 'DELIVERED' AS disposition, 20 AS pieces,
  CASE WHEN h // 29 % 50 = 0 THEN 19 ELSE 20 END AS pieces_delivered, 'YES' AS receipt_expected,
  CAST((100000 + h // 31 % 18000000) / 1000 AS DECIMAL(12, 3)) AS weight_kg, 900 AS distance_km,
  CAST((20000 + h // 37 % 90000) / 100 AS DECIMAL(12, 2)) AS linehaul, 55 AS fuel,
  CAST((21000 + h // 37 % 90000) / 100 AS DECIMAL(12, 2)) AS rated_total
FROM moved ORDER BY due, reference
"""


def portfolio_write(path):
    import duckdb
    query = PORTFOLIO.format(months=MONTHS, partners=PARTNERS, loads=A_MONTH)
    duckdb.execute(f"COPY ({query}) TO '{path}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")


def measured(url, page_of, options):
    """p99 in ms of a static file and of a page, and their ratio."""
    with served(url) as address:
        cookie, card = sign_in(address, MONTH)
        page = page_of(address, card)
        request = urllib.request.Request(page, headers={"Cookie": cookie})
        size = len(urllib.request.urlopen(request, timeout=60).read())
        static = latency(f"{address}{static_path(address)}", cookie, options)
        drawn = latency(page, cookie, options)
        return {"page_bytes": size, "static_p99_ms": static[0], "page_p99_ms": drawn[0], "page_rps": drawn[1], "ratio": round(drawn[0] / static[0], 1)}


def portfolio(engine, options):
    path = options.folder / "portfolio.csv"
    if not path.exists():
        in_child(portfolio_write, path)
    url = engine.fresh("portfolio")
    lanemark(url, "import", "shipments", path)
    for month in range(MONTHS):
        lanemark(url, "job", "run", "score-period", "--period", f"{2023 + month // 12}-{month % 12 + 1:02}", "--as-of", AS_OF)
    result = measured(url, lambda address, _: f"{address}/today?period={MONTH}", options)
    engine.drop("portfolio")
    return result


def drill_down(engine, rows, options):
    history = feed(options.folder, rows, LAST_DAY + 1 - -(-rows // ROWS_A_DAY))
    url = engine.fresh("drill")
    lanemark(url, "import", "shipments", history)
    lanemark(url, "job", "run", "score-period", "--period", MONTH, "--as-of", AS_OF)
    result = measured(url, lambda _, card: f"{card}/OTD_WIN", options)
    engine.drop("drill")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="shipments behind the drill-down")
    parser.add_argument("--postgres", help="address of a server where databases may be made; without it only SQLite is measured")
    parser.add_argument("--engines", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "lanemark-pages")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of load on each page")
    parser.add_argument("--no-drill", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.engines:
        if name == "postgres" and not options.postgres:
            continue
        engine = Engine(name, options.folder, options.postgres)
        print(json.dumps({"engine": name, "page": "portfolio", "partners": PARTNERS, "months": MONTHS, **portfolio(engine, options)}), flush=True)
        if not options.no_drill:
            print(json.dumps({"engine": name, "page": "drill-down", "rows": options.rows, **drill_down(engine, options.rows, options)}), flush=True)
    shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
