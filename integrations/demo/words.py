"""Invented names of companies and people."""

from random import Random

STARTS = (
    "Alder", "Brack", "Corv", "Dunmar", "Esker", "Fenn", "Garrow", "Hollin", "Ivel", "Jorv", "Kestrel", "Lunder",
    "Marr", "Norvan", "Ostel", "Pell", "Quill", "Rother", "Skel", "Tarn", "Umber", "Vantor", "Wex", "Yarrow", "Zell",
    "Bryn", "Caldor", "Drevan", "Elmar", "Halver", "Iskan", "Lorvan", "Mirel", "Ravel", "Selvan", "Torran",
)  # fmt: skip
ENDS = ("moor", "endale", "holt", "wick", "by", "mere", "feld", "haven", "vik", "aro", "ona", "gate", "mark", "well")
TRADES = {
    "Food and drink": ("Foods", "Beverages", "Grocers", "Cold Chain", "Dairy"),
    "Retail": ("Retail Group", "Home Goods", "Furniture", "Textiles", "Stores"),
    "Logistics": ("Logistics", "Freight", "Couriers", "Distribution", "Carriers"),
    "Health": ("Medical Supply", "Pharma Supply", "Dental", "Laboratories"),
    "Construction": ("Building Supplies", "Timber", "Steelworks", "Interiors"),
    "Manufacturing": ("Parts", "Packaging", "Electronics", "Machinery", "Chemicals"),
    "Wholesale": ("Wholesale", "Trading", "Supply", "Import"),
}
FIRST_NAMES = (
    "Aino", "Amara", "Anders", "Anouk", "Arturo", "Beatriz", "Bram", "Camille", "Carlos", "Chidi", "Clara", "Daniel",
    "Deniz", "Elif", "Elena", "Emil", "Esther", "Fatima", "Felix", "Freya", "Gabriel", "Greta", "Hanna", "Hugo",
    "Ines", "Isak", "Ivana", "Jakub", "Jana", "Jasper", "Joost", "Kaia", "Karim", "Katrin", "Kenji", "Lars", "Laura",
    "Lena", "Liam", "Lucia", "Magnus", "Malik", "Marta", "Mateo", "Mei", "Mikael", "Milan", "Nadia", "Nils", "Olga",
    "Oskar", "Paula", "Pavel", "Petra", "Rafael", "Rosa", "Ruth", "Samir", "Sanne", "Silvia", "Sofia", "Stefan",
    "Tara", "Teresa", "Thabo", "Tilda", "Viktor", "Wanda", "Yara", "Zofia",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Albrecht", "Almeida", "Andersson", "Bakker", "Baran", "Becker", "Berglund", "Blanc", "Brandsma", "Carver",
    "Castellan", "Cho", "Dahl", "Delacroix", "Dietz", "Dubrov", "Eklund", "Engel", "Farkas", "Ferreira", "Fontaine",
    "Gallardo", "Grant", "Haas", "Hadley", "Halonen", "Hassan", "Hendriks", "Horvat", "Ibsen", "Iyer", "Jansen",
    "Jovanic", "Kaplan", "Keller", "Kimura", "Kowal", "Kruger", "Lange", "Larkin", "Lindholm", "Lopes", "Madsen",
    "Marchetti", "Mendel", "Moreau", "Nakata", "Novak", "Obi", "Okafor", "Orsini", "Pereira", "Petrov", "Quist",
    "Ramos", "Reyes", "Riedel", "Rossi", "Sauer", "Sharma", "Silva", "Sorensen", "Tanaka", "Toth", "Urban", "Vargas",
    "Vogel", "Walsh", "Weber", "Winter", "Yilmaz", "Zanetti", "Zeman",
)  # fmt: skip
TITLES = {
    "Operations lead": (
        "Head of Operations",
        "Transport Manager",
        "Dispatch Lead",
        "Warehouse Manager",
        "Fleet Coordinator",
        "Operations Manager",
    ),
    "Analyst": ("Supply Chain Analyst", "Controller", "BI Analyst", "Planning Analyst", "Logistics Controller"),
    "IT administrator": ("IT Manager", "Systems Administrator", "Head of IT", "Application Owner"),
}
BUYER_TITLES = ("COO", "Managing Director", "VP Supply Chain", "Director of Logistics", "Head of Procurement")
REGIONS = ("Nordics", "Iberia", "Benelux", "Central", "North", "West", "Express", "Services")


def company_stems(random: Random) -> list[str]:
    """Return invented stems like "Corvholt", each once, shuffled."""
    stems = [start + end for start in STARTS for end in ENDS]
    random.shuffle(stems)
    return stems


def person(random: Random, taken: set[str]) -> str:
    """Return a name nobody at the same company has."""
    while True:
        name = f"{random.choice(FIRST_NAMES)} {random.choice(LAST_NAMES)}"
        if name not in taken:
            taken.add(name)
            return name


def address(name: str, domain: str) -> str:
    return f"{name.lower().replace(' ', '.')}@{domain}"
