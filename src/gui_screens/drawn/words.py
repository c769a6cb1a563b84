"""Words for drawn screens: short, ordinary, in the tone of real interfaces."""

from __future__ import annotations

from random import Random

BRANDS = (
    "Northwind Lumen Harbor Acorn Pixelo Finch Tally Orbit Maple Quill Vertex Juniper Cobalt "
    "Driftly Beacon Sprout Kestrel Nimbus Parcel Rowan"
).split()
NAV = (
    "Home Products Pricing About Contact Blog Docs Support Team Careers Orders Reports Projects "
    "Inbox Library Explore News Shop Sale Gallery Features Help Dashboard Settings Account"
).split()
ACTIONS = (
    "Save|Cancel|Continue|Submit|Next|Back|Apply|Delete|Edit|Add item|Sign in|Sign up|Log out|"
    "Create account|Buy now|Add to cart|Checkout|Learn more|Get started|Download|Upload|Export|"
    "Import|Share|Follow|Message|Invite|Reset|Update|Send|Search|Filter|New project|Subscribe|"
    "Save changes|Try again|View all|OK|Close|Confirm|Pay $24.00|Place order|Book|Reply|"
    "Weiter|Speichern|Guardar|Envoyer|Annuler"
).split("|")
DIALOG_ACTIONS = (
    ("Cancel", "Delete"),
    ("No", "Yes"),
    ("Cancel", "Save"),
    ("Not now", "Allow"),
    ("Back", "Continue"),
    ("Discard", "Keep editing"),
    ("Close", "Update"),
)
FIELDS = (
    ("First name", "Anna"),
    ("Last name", "Keller"),
    ("Email", "anna@example.com"),
    ("Email address", "you@example.com"),
    ("Password", "Password"),
    ("Phone", "+1 555 0132"),
    ("Company", "Acme Inc."),
    ("Street address", "12 Mill Lane"),
    ("City", "Bristol"),
    ("Postal code", "10437"),
    ("Card number", "4242 4242 4242 4242"),
    ("Expiry date", "MM / YY"),
    ("CVC", "123"),
    ("Username", "akeller"),
    ("Website", "https://example.com"),
    ("Subject", "How can we help?"),
    ("Job title", "Designer"),
    ("Display name", "Anna K."),
    ("Date of birth", "04/12/1990"),
    ("Amount", "250.00"),
    ("Coupon code", "SPRING24"),
    ("Your name", "Full name"),
)
CHOICES = (
    ("Country", "Germany"),
    ("Language", "English (US)"),
    ("Time zone", "UTC +01:00"),
    ("Currency", "EUR"),
    ("Sort by", "Newest first"),
    ("Category", "All categories"),
    ("Size", "Medium"),
    ("Quantity", "1"),
    ("Status", "Active"),
    ("Role", "Editor"),
    ("State", "Select..."),
    ("Period", "Last 30 days"),
    ("Theme", "System"),
    ("Colour", "Black"),
    ("Rows", "25"),
)
OPTIONS = (
    "Remember me|I agree to the terms|Send me updates|Enable notifications|Show previews|"
    "Wi-Fi|Bluetooth|Dark mode|Auto-update|Use mobile data|Location services|Private account|"
    "Email alerts|Two-factor login|Sync contacts|Free shipping|In stock|On sale|New arrivals|"
    "Gift wrap|Standard delivery|Express delivery|Pick up in store|Credit card|Bank transfer|"
    "Monthly|Yearly|Everyone|Friends only|Only me|Small|Medium|Large|Play sounds|Vibrate|"
    "Keep me signed in|Save this address|Subscribe to newsletter|Airplane mode|Autoplay"
).split("|")
SLIDERS = "Volume|Brightness|Price range|Opacity|Font size|Distance|Contrast|Speed|Zoom".split("|")
LINKS = (
    "Forgot password?|Terms of service|Privacy policy|Read more|See all|Learn more|View details|"
    "Sign up|Log in|Contact us|Help centre|Edit|Remove|Change|Show all|FAQ|Cookies|Unsubscribe|"
    "Back to results|More info|Download PDF|Create an account|Details|View profile|Invoice #1042"
).split("|")
TITLES = (
    "Settings|Create your account|Welcome back|Your cart|Overview|Team members|Recent orders|"
    "Notifications|Profile|Payment details|New message|Popular items|Today|Edit profile|"
    "Shipping address|Account security|Summary|General|Privacy|Appearance|Sign in|Analytics|"
    "Latest stories|Featured|Messages|Invite people|Delete project?|Save changes?|Preferences"
).split("|")
NAMES = (
    "Anna Keller|Tom Ruiz|Mei Lin|Omar Haddad|Sofia Rossi|Jonas Berg|Priya Nair|Lucas Martin|"
    "Eva Novak|Sam Carter|Ines Costa|Noah Fischer|Yuki Tanaka|Lena Hoff|Max Weber"
).split("|")
PRODUCTS = (
    "Linen shirt|Desk lamp|Running shoes|Ceramic mug|Leather wallet|Wireless speaker|Oak chair|"
    "Canvas bag|Wool scarf|Travel bottle|Notebook set|Sunglasses|Alarm clock|Plant pot|Keyboard"
).split("|")
BADGES = "New|Beta|Sale|Pro|Paid|Pending|Active|Draft|Failed|-20%|3|12|Admin|Shipped|Hot".split("|")
_SUBJECTS = (
    "Your team|The project|This page|Every order|Our service|A new version|The report".split("|")
)
_VERBS = "keeps|shows|contains|updates|explains|collects|supports|needs|brings together".split("|")
_OBJECTS = (
    "all recent changes|the details you asked for|several new options|a list of open tasks|"
    "your saved items|simple tools for daily work|the latest figures|more than twenty reports"
).split("|")
_ENDINGS = "|in one place|for this month|before you go on|on every device|at no extra cost".split(
    "|"
)


def sentence(rng: Random) -> str:
    """One sentence of plain interface prose."""
    parts = [rng.choice(group) for group in (_SUBJECTS, _VERBS, _OBJECTS, _ENDINGS)]
    return " ".join(part for part in parts if part) + "."


def phrase(rng: Random) -> str:
    """A few words, without a full stop."""
    return f"{rng.choice(_VERBS).capitalize()} {rng.choice(_OBJECTS)}"


def price(rng: Random) -> str:
    """An amount of money."""
    return rng.choice(("${}.{:02d}", "{}.{:02d} €", "£{}.{:02d}")).format(
        rng.randint(3, 349), rng.choice((0, 49, 50, 90, 95, 99))
    )
