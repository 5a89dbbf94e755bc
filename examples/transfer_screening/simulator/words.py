"""The closed vocabularies of a transfer.

XA and XB are codes that ISO 3166 assigns to no country; here they are under sanctions.
"""

COUNTRIES = ("DE", "FR", "NL", "ES", "IT", "PL", "GB", "US", "TR", "NG", "VN", "XA", "XB")
HOME_WEIGHTS = (30, 16, 10, 9, 9, 8, 9, 5, 2, 1, 1, 0, 0)
ABROAD_WEIGHTS = (14, 14, 12, 12, 12, 8, 10, 8, 5, 2, 2.4, 0.3, 0.3)
FRAUD_WEIGHTS = (10, 8, 8, 8, 8, 8, 10, 10, 10, 10, 9.8, 0.1, 0.1)
SANCTIONED = ("XA", "XB")

CHANNELS = ("mobile", "web", "branch", "api")
MOBILE, WEB, BRANCH, API = range(4)

SCENARIOS = ("habit", "payroll", "purchase", "velocity", "takeover", "mule")
HABIT, PAYROLL, PURCHASE, VELOCITY, TAKEOVER, MULE = range(6)
FRAUD_FROM = VELOCITY
"""Scenarios from this one on are fraud."""
