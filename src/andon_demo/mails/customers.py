"""The customers who write: names, addresses, and values for the slots of phrases."""

import random

from andon_demo.mails.domain import Customer

FIRST = ("Anna", "Ben", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karla", "Leo", "Marta")
LAST = ("Abel", "Baker", "Castro", "Dubois", "Eriksen", "Fischer", "Garcia", "Huber", "Ivanov", "Jansen", "Keller")
CITIES = ("Hamburg", "Lyon", "Sevilla", "London", "Vienna", "Bremen", "Nantes", "Bilbao", "Leeds", "Graz", "York")
SHOPS = ("Nordmarkt", "Bookery", "Velo & Co", "MediaWelt", "Airwing", "Solis Power", "FitClub", "Casa Verde")
COMPANIES = ("Abel GmbH", "Moreau SARL", "Baker Ltd", "Ortiz SL")
PROVIDERS = ("mail.example", "post.example", "inbox.example", "web.example")
SPAMMERS = ("quick-money.example", "bank-login.example", "easy-credit.example", "prizes.example")


def draw_customer(rng: random.Random, *, spammer: bool) -> Customer:
    """Draw a customer or a sender of spam."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    if spammer:
        return Customer(f"{first} {last}", f"{first.lower()}{rng.randrange(1000)}@{rng.choice(SPAMMERS)}")
    return Customer(f"{first} {last}", f"{first}.{last}{rng.randrange(100)}@{rng.choice(PROVIDERS)}".lower())


def slots(rng: random.Random, last4: str) -> dict[str, str]:
    """Draw values for the slots of one mail."""
    amount = rng.choice((rng.randrange(20, 400), rng.randrange(400, 9_000), rng.randrange(9, 400) * 1000))
    return {
        "last4": last4,
        "amount": rng.choice(("{:,} EUR", "EUR {:,}", "{:,} €")).format(amount),
        "city": rng.choice(CITIES),
        "shop": rng.choice(SHOPS),
        "name": f"{rng.choice(FIRST)} {rng.choice(LAST)}",
        "company": rng.choice(COMPANIES),
        "day": f"{rng.randrange(1, 29)}.{rng.randrange(1, 13)}.",
        "iban": f"DE{rng.randrange(10**19, 10**20)}",
        "phone": f"0{rng.randrange(10**8, 10**9)}",
        "minutes": str(rng.randrange(15, 90)),
        "years": str(rng.randrange(2, 40)),
        "coins": f"{rng.randrange(1, 50) / 10}",
    }
