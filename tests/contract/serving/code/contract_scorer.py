"""A builder's own model: it reads raw values, and a table that is packed beside it. Imported where Andon is not."""

import json

import numpy as np


class Scorer:
    """Softmax of a line over amount, country, night and hour, steeper for each further class."""

    def __init__(self, folder):
        self.table = json.loads((folder / "table.json").read_text())

    def predict(self, columns):
        amount = np.nan_to_num(columns["amount"]) / 150 - 1
        country = np.array([self.table["countries"].get(name, 0.5) for name in columns["country"]])
        night = np.array([{True: 0.4, False: -0.4, None: 0.0}[value] for value in columns["night"]])
        hour = (columns["at"] - columns["at"].astype("datetime64[D]")) / np.timedelta64(24, "h")
        line = amount + country + night + np.nan_to_num(hour)
        powers = np.exp(np.outer(line, np.arange(self.table["classes"])))
        return powers / powers.sum(axis=1, keepdims=True)
