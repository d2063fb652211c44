"""What people of the sandbox's CRM are made of: names, addresses and phone numbers by country, posts by department."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """Where customers live. Each `#` of a phone number becomes a digit; the ranges are set aside for fiction."""

    code: str
    region: str
    currency: str
    weight: int
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    mail_domains: tuple[str, ...]
    phones: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """A department: usual posts with their yearly pay in EUR, and what its head earns."""

    name: str
    weight: int
    head_pay: float
    posts: tuple[tuple[str, float], ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES = (
    Country(
        "DE", "EMEA", "EUR", 24,
        _words("Anna Lena Jonas Felix Mia Paul Emma Lukas Hannah Maximilian Katrin Jürgen Sabine Stefan Heike Uwe"),
        _words("Müller Schmidt Schneider Fischer Weber Wagner Becker Hoffmann Koch Bauer Richter Klein Schröder Köhl"),
        ("post.example", "nordhaus.example", "example.org"),
        ("+49 30 23125 ###", "+49 69 90009 ###", "+49 40 66969 ###", "+49 176 040690##"),
        ("Lindenstraße", "Hauptstraße", "Gartenweg", "Am Markt", "Schillerstraße"),
        ("10117 Berlin", "20095 Hamburg", "50667 Köln", "80331 München"),
    ),
    Country(
        "GB", "EMEA", "GBP", 16,
        _words("Oliver Amelia Harry Isla George Ava Noah Grace Arthur Freya Priya Callum Niamh Rhys Imogen Kwame"),
        _words("Smith Jones Taylor Brown Williams Davies Evans Thomas Patel Wright Walker Hughes Okafor Campbell"),
        ("mail.example", "britmail.example", "example.com"),
        ("+44 20 7946 0###", "+44 161 496 0###", "+44 7700 900###"),
        ("High Street", "Church Lane", "Victoria Road", "Mill Close"),
        ("London SE1 7PB", "Leeds LS1 4DY", "Bristol BS1 5TR", "Edinburgh EH1 1YZ"),
    ),
    Country(
        "FR", "EMEA", "EUR", 12,
        _words("Camille Louis Chloé Hugo Inès Jules Manon Théo Élodie Gabriel Léa Mathieu Noémie Rémi"),
        _words("Martin Bernard Dubois Moreau Laurent Lefèvre Roux Fontaine Girard Chevalier Mercier Perrin"),
        ("courrier.example", "lumiere.example"),
        ("+33 1 99 00 ## ##", "+33 6 39 98 ## ##"),
        ("rue des Lilas", "avenue de la Gare", "place du Marché"),
        ("75011 Paris", "69002 Lyon", "33000 Bordeaux"),
    ),
    Country(
        "SE", "EMEA", "EUR", 6,
        _words("Astrid Erik Elsa Oskar Maja Nils Saga Gustav Linnea Åke"),
        _words("Andersson Johansson Karlsson Nilsson Lindqvist Berg Sjöberg Holm"),
        ("brev.example", "norrsken.example"),
        ("+46 8 465 004 ##", "+46 70 174 06 ##"),
        ("Storgatan", "Kungsgatan", "Björkvägen"),
        ("111 29 Stockholm", "411 06 Göteborg"),
    ),
    Country(
        "US", "AMER", "USD", 22,
        _words("James Olivia Liam Sophia Mason Emily Ethan Harper Diego Aaliyah Caleb Zoe Marcus Hailey Wei Rosa"),
        _words("Johnson Garcia Miller Davis Rodriguez Wilson Anderson Nguyen Jackson Lee Thompson Rivera Brooks Kim"),
        ("inbox.example", "sunbelt.example", "example.net"),
        ("+1 202 555 01##", "+1 415 555 01##", "+1 312 555 01##", "+1 646 555 01##"),
        ("Maple Avenue", "Oak Street", "2nd Street", "Lakeview Drive"),
        ("Chicago, IL 60614", "Austin, TX 78704", "Portland, OR 97205", "Boston, MA 02116"),
    ),
    Country(
        "BR", "AMER", "USD", 6,
        _words("Beatriz João Larissa Pedro Mariana Thiago Letícia Rafael Camila Bruno"),
        _words("Silva Santos Oliveira Souza Pereira Costa Almeida Ribeiro"),
        ("correio.example",),
        ("+55 11 5550 01##", "+55 21 5550 01##"),
        ("Rua das Flores", "Avenida Central", "Rua do Sol"),
        ("01310-100 São Paulo", "20040-020 Rio de Janeiro"),
    ),
    Country(
        "JP", "APAC", "USD", 7,
        _words("Haruka Ren Yui Sota Aoi Kaito Sakura Daiki Mei Takumi"),
        _words("Sato Suzuki Takahashi Tanaka Watanabe Ito Nakamura Kobayashi"),
        ("yubin.example", "fuji.example"),
        ("+81 3 5550 01##", "+81 90 5550 01##"),
        ("Sakura-dori", "Chuo 2-chome", "Minami 4-chome"),
        ("Tokyo 104-0061", "Osaka 530-0001"),
    ),
    Country(
        "AU", "APAC", "USD", 7,
        _words("Jack Charlotte William Matilda Cooper Ruby Lachlan Sienna Angus Indigo"),
        _words("Kelly Ryan Murphy Robinson Clarke Mitchell Nguyen Harris"),
        ("aussie.example",),
        ("+61 2 5550 ####", "+61 3 7010 ####", "+61 491 570 1##"),
        ("George Street", "Beach Road", "Wattle Court"),
        ("Sydney NSW 2000", "Melbourne VIC 3000"),
    ),
)  # fmt: skip

DEPARTMENTS = (
    Department("Sales", 18, 122_000, (("Account Executive", 68_000), ("Sales Development Representative", 47_000),
                                      ("Key Account Manager", 84_000))),
    Department("Support", 20, 88_000, (("Support Agent", 41_000), ("Senior Support Agent", 52_000),
                                       ("Support Engineer", 63_000))),
    Department("Engineering", 22, 148_000, (("Software Engineer", 76_000), ("Senior Software Engineer", 94_000),
                                            ("Site Reliability Engineer", 90_000), ("Engineering Manager", 112_000))),
    Department("Data", 8, 128_000, (("Data Analyst", 62_000), ("Data Engineer", 80_000), ("Data Steward", 66_000))),
    Department("Finance", 7, 118_000, (("Accountant", 56_000), ("Controller", 74_000), ("Internal Auditor", 71_000))),
    Department("Logistics", 14, 84_000, (("Warehouse Associate", 34_000), ("Shift Lead", 45_000),
                                         ("Supply Planner", 58_000))),
    Department("People", 4, 98_000, (("People Partner", 60_000), ("Recruiter", 54_000))),
)  # fmt: skip
