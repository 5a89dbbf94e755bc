"""Writes the tables that river carries as one NPZ file: `export.py FILE`. Nothing is downloaded."""

import sys

import numpy as np
from river import datasets

TABLES = {
    "shuttle": datasets.Shuttle(),
    "banana": datasets.Bananas(),
    "segment": datasets.ImageSegments(),
    "phishing": datasets.Phishing(),
}

STOCKS = ("AAPL", "AMZN", "IBM", "INTC", "JNJ", "JPM", "KO", "MSFT", "WMT", "XOM")


def main() -> None:
    """Write features as <name>_x and classes, numbered, as <name>_y; daily returns of ten stocks as `returns`."""
    arrays = {}
    for name, dataset in TABLES.items():
        rows = list(dataset)
        columns = sorted(rows[0][0])
        arrays[f"{name}_x"] = np.array([[float(x.get(column, 0.0)) for column in columns] for x, _ in rows])
        arrays[f"{name}_y"] = np.unique([str(y) for _, y in rows], return_inverse=True)[1]
    days = list(datasets.SP500Stocks())
    arrays["returns"] = np.array([[float(x[stock]) for stock in STOCKS] for x, _ in days])
    np.savez(sys.argv[1], **arrays)


if __name__ == "__main__":
    main()
