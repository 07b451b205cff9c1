#!/usr/bin/env python3
"""The ledger's pages over a long history, each against a static file from the same server in the same run.

    cargo build --release
    python3 benches/ledger_job.py --postgres postgres://postgres@127.0.0.1/postgres

50 partners and 36 months of journal entries with two lines each, all months but the running one closed. The entries are made by SQL,
with the sums of months and the balances carried forward as the program would have left them. 50 readers each. Loopback only.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import tempfile
import urllib.request

from main_job import Engine, lanemark, latency, served, sign_in, static_path

PARTNERS, MONTHS = 50, 36

PARTNER_ROWS = """
INSERT INTO partners (id, code, name, scac, mode, status, contact_name, contact_email, review_cadence, created_at)
SELECT n, 'C' || n, 'Carrier ' || n, '', 'TL', 'ACTIVE', '', '', 'MONTHLY', {now} FROM {series_partners};
"""

ENTRY_ROWS = """
INSERT INTO journal_entries (partner_id, id, obligation_key, contract_version_id, clause_id, period, obligation_day, posting_day, reason,
  recognition, memo, run_id, created_at)
SELECT 1 + n % {partners}, n, 'cv:1/cl:2/ev:' || n, 1, 2, {month}, {day}, {day},
  CASE n % 10 WHEN 0 THEN 'REVERSAL' WHEN 1 THEN 'TRUE_UP' ELSE 'INITIAL' END,
  CASE WHEN n % 4 = 0 THEN 'GL' ELSE 'MEMO' END, 'Shipment S' || n || ' was 2 business days late; 5 % of 1,240.00 a day.', NULL, {now}
FROM {series};
"""

LINE_ROWS = """
INSERT INTO journal_lines (partner_id, entry_id, line_no, account, side, amount_micros, currency)
SELECT partner_id, id, 1, CASE WHEN reason = 'REVERSAL' THEN 5190 ELSE 1410 END, 'DR', 1000000 + id % 500 * 10000, 'USD' FROM journal_entries;
INSERT INTO journal_lines (partner_id, entry_id, line_no, account, side, amount_micros, currency)
SELECT partner_id, id, 2, CASE WHEN reason = 'REVERSAL' THEN 1410 ELSE 5190 END, 'CR', 1000000 + id % 500 * 10000, 'USD' FROM journal_entries;
"""

ACCRUAL_ROWS = """
INSERT INTO accruals (partner_id, obligation_key, contract_version_id, clause_id, period, obligation_day, shipment_id, uncapped_micros,
  target_micros, forgone_micros, currency, state, steps, run_id, updated_at, assessed_on)
SELECT partner_id, obligation_key, 1, 2, period, obligation_day, id, 1000000, 1000000, 0, 'USD', 'ACCRUED', '[]', NULL, {now}, NULL
FROM journal_entries;
"""

# What each page looks at to see whether anything was posted since it was drawn.
SEAL_ROWS = """
INSERT INTO journal_seals (partner_id, seq, entry_id, sha256)
SELECT partner_id, ROW_NUMBER() OVER (PARTITION BY partner_id ORDER BY id), id, '{seal}' FROM journal_entries;
INSERT INTO journal_heads (partner_id, sealed) SELECT partner_id, MAX(seq) FROM journal_seals GROUP BY partner_id;
"""

MONTH_ROWS = """
INSERT INTO journal_months (month, partner_id, currency, account, side, reason, recognition, lines, entries, amount_micros)
SELECT {posted_month}, l.partner_id, l.currency, l.account, l.side, e.reason, e.recognition, COUNT(*),
  CAST(SUM(CASE WHEN l.line_no = 1 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(l.amount_micros) AS BIGINT)
FROM journal_entries e JOIN journal_lines l ON l.partner_id = e.partner_id AND l.entry_id = e.id GROUP BY 1, 2, 3, 4, 5, 6, 7;
"""

CLOSE_ROWS = """
INSERT INTO period_closes (month, last_day, closed_by_id, closed_by, closed_at, steps, heads, ledger_sha256)
SELECT month, {last_day}, 0, 'bench', {now}, '[]', '[]', '' FROM (SELECT DISTINCT month FROM journal_months) m WHERE month < '{running}';
INSERT INTO period_balances (month, partner_id, currency, account, balance_micros)
SELECT c.month, m.partner_id, m.currency, m.account,
  CAST(SUM(CASE WHEN (m.account = 1410) = (m.side = 'DR') THEN m.amount_micros ELSE -m.amount_micros END) AS BIGINT)
FROM period_closes c JOIN journal_months m ON m.month <= c.month GROUP BY 1, 2, 3, 4;
"""


def fill(engine, url, entries, today):
    """A history that ends today. Entry n is posted on the n-th of all days, evenly."""
    first = datetime.date(today.year - MONTHS // 12, today.month, 1)
    days = (today - first).days
    # The position of an entry in time is its number.
    at = f"(n * {days} / {entries})"
    if engine.name == "sqlite":
        start = (first - datetime.date(1970, 1, 1)).days
        words = {
            "now": "0",
            "series_partners": f"(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {PARTNERS}) SELECT n FROM s) s",
            "series": f"(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {entries}) SELECT n FROM s) s",
            "day": f"{start} + {at}",
            "month": f"strftime('%Y-%m', ({start} + {at}) * 86400, 'unixepoch')",
            "posted_month": "strftime('%Y-%m', e.posting_day * 86400, 'unixepoch')",
            "last_day": "CAST(julianday(month || '-01', '+1 month') - 2440588.5 AS INTEGER)",
        }
    else:
        words = {
            "now": "now()",
            "series_partners": f"generate_series(1, {PARTNERS}) s (n)",
            "series": f"generate_series(1, {entries}::bigint) s (n)",
            "day": f"(date '{first}' + {at}::int)",
            "month": f"to_char(date '{first}' + {at}::int, 'YYYY-MM')",
            "posted_month": "to_char(e.posting_day, 'YYYY-MM')",
            "last_day": "((month || '-01')::date + interval '1 month' - interval '1 day')::date",
        }
    words |= {"partners": PARTNERS, "running": f"{today:%Y-%m}", "seal": "0" * 64}
    for statement in (PARTNER_ROWS, ENTRY_ROWS, LINE_ROWS, ACCRUAL_ROWS, SEAL_ROWS, MONTH_ROWS, CLOSE_ROWS):
        engine.sql(url, statement.format(**words))
    engine.sql(url, "ANALYZE")


def pages(address, today):
    """Name and address of each page that is measured."""
    before = today.replace(day=1) - datetime.timedelta(days=1)
    return {
        "ledger": f"{address}/ledger",
        "older entries": f"{address}/ledger?month={before:%Y-%m}&after={before.replace(day=12)}.999999999",
        "one partner": f"{address}/ledger?month={before:%Y-%m}&partner=7",
        "close": f"{address}/ledger/close",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=5_000_000, help="journal lines; two make an entry")
    parser.add_argument("--postgres", help="address of a server where databases may be made; without it only SQLite is measured")
    parser.add_argument("--engines", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "lanemark-ledger")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of load on each page")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    today = datetime.date.today()
    for name in options.engines:
        if name == "postgres" and not options.postgres:
            continue
        engine = Engine(name, options.folder, options.postgres)
        url = engine.fresh("ledger")
        lanemark(url, "migrate")
        fill(engine, url, options.lines // 2, today)
        with served(url) as address:
            cookie, _ = sign_in(address, f"{today:%Y-%m}")
            static = latency(f"{address}{static_path(address)}", cookie, options)
            for page, where in pages(address, today).items():
                request = urllib.request.Request(where, headers={"Cookie": cookie})
                size = len(urllib.request.urlopen(request, timeout=120).read())
                drawn = latency(where, cookie, options)
                print(json.dumps({"engine": name, "page": page, "lines": options.lines, "page_bytes": size, "static_p99_ms": static[0],
                                  "page_p99_ms": drawn[0], "page_rps": drawn[1], "ratio": round(drawn[0] / static[0], 1)}), flush=True)
        engine.drop("ledger")
    shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
