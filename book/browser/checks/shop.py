"""Program 23, the shop, as a customer has it: in two tabs, in two browsers, by the keyboard, on a telephone."""

import sys
from urllib.parse import urlsplit

from check import expect
from checks.keys import FOCUS
from checks.narrow import WIDER, WIDTH
from programs import serving

# So often each tab chooses: by a click, and at once.
CLICKS, AT_ONCE = 3, 40
PAGES = ("/", "/basket", "/login", "/account")
CONTROLS = {"button", "checkbox", "link", "spinbutton", "textbox"}

# Both tabs show the articles; then both choose at one moment.
LISTEN = """
    const [choose, button] = arguments;
    new BroadcastChannel("now").onmessage = () => window.eval(choose)(button);
    return true;
"""
CHOOSE = """
    const [choose, button] = arguments;
    new BroadcastChannel("now").postMessage("now");
    window.eval(choose)(button);
    return true;
"""
CLICK = "(button) => document.querySelectorAll('main button')[button].click()"
# What the button sends, so often that requests of both tabs meet in the shop.
SEND = f"""(button) => {{
    const form = document.querySelectorAll("main form")[button];
    const sent = {{ method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" }};
    Promise.all(Array.from({{ length: {AT_ONCE} }}, () => fetch("/basket", sent)))
        .then(() => {{ location.href = "/basket"; }});
}}"""
# Nobody sees what the page before it showed.
ARRIVED = "return location.pathname === arguments[0] && document.readyState === 'complete'"
MESSAGES = "return [...document.querySelectorAll('[role=status]')].map((one) => one.innerText)"
LINES = """
    const rows = [...document.querySelectorAll("main tr")].slice(1, -1);
    return rows.map((row) => [...row.cells].slice(0, 2).map((cell) => cell.innerText));
"""


class Customer:
    """Somebody with a browser, in the shop."""

    def __init__(self, page, shop):
        self.page, self.shop = page, shop

    def go(self, path):
        self.page.open(self.shop + path)
        return urlsplit(self.page.url()).path

    def arrive(self, path):
        self.page.wait(f"the page {path}", ARRIVED, path)

    def messages(self):
        return self.page.run(MESSAGES)

    def basket(self):
        self.go("/basket")
        return self.page.run(LINES)

    def names(self):
        """What a screen reader says of everything that can be used on the page."""
        nodes = self.page.tell("Accessibility.getFullAXTree")["nodes"]
        said = [(node["role"]["value"], node.get("name", {}).get("value", "").strip())
                for node in nodes if not node["ignored"]]
        return [name for role, name in said if role in CONTROLS]

    def tab_to(self, name):
        """Presses Tab until this has the focus."""
        script = "return (document.activeElement.labels?.[0] ?? document.activeElement).innerText.trim()"
        for _ in range(30):
            self.page.press("Tab")
            focus = self.page.run(FOCUS)
            if focus is None or not focus[2]:
                sys.exit(f"{self.page.url()}: nobody sees what has the focus: {focus}")
            if self.page.run(script) == name:
                return
        sys.exit(f"{self.page.url()}: Tab does not come to `{name}`")

    def log_in(self):
        """With the keyboard alone, from the page that is shown."""
        for name, keys in (("Log in", ["Enter"]), ("Name", "anna"), ("Password", "tea for two"),
                           ("Remember me on this device", ["Space"])):
            self.tab_to(name)
            self.page.press(*keys)
            self.arrive("/login")
        self.tab_to("Log in")
        self.page.press("Enter")
        self.arrive("/basket")


def both_tabs(guest):
    """Two tabs choose at one moment, again and again, and nothing is lost."""
    page = guest.page
    tabs = [page.tab(), page.new_tab()]
    for choose in [CLICK] * CLICKS + [SEND]:
        for button, tab in reversed(list(enumerate(tabs))):
            page.show_tab(tab)
            guest.go("/")
            page.run(CHOOSE if button == 0 else LISTEN, choose, button)
        for tab in tabs:
            page.show_tab(tab)
            guest.arrive("/basket")
    page.close_tab()
    page.show_tab(tabs[0])
    return [[name, str(CLICKS + AT_ONCE)] for name in ("Green tea", "Black tea")]


def check(book):
    with serving("23_shop", "--features", "shop") as shop, \
            book.browser() as laptop, book.browser(WIDTH, 740, theme="dark") as telephone:
        anna, again = Customer(laptop, shop), Customer(telephone, shop)

        anna.go("/")
        chosen = both_tabs(anna)
        expect("the basket of two tabs", anna.basket(), chosen)

        anna.go("/")
        laptop.run("document.querySelectorAll('main button')[2].click()")
        anna.arrive("/basket")
        expect("what is said of a choice", anna.messages(), ["Teapot is in the basket."])
        expect("what is in the basket", anna.basket(), chosen := [*chosen, ["Teapot", "1"]])
        expect("what is said again of it", anna.messages(), [])

        anna.log_in()
        expect("what a guest has chosen is the customer's", anna.basket(), chosen)
        again.go("/")
        again.log_in()
        expect("the basket in another browser", again.basket(), chosen)

        used = 0
        for customer in (anna, again):
            for path in PAGES:
                expect(f"the way to {path}", customer.go(path), path)
                names = customer.names()
                twice = {name for name in names if names.count(name) > 1}
                expect(f"{path}: controls without a name, or with that of another",
                       ["" in names, twice], [False, set()])
                used += len(names)
                expect(f"{path}: wider than the screen",
                       customer.page.run(WIDER, customer.page.run("return innerWidth")), [])

        dark = telephone.run("return getComputedStyle(document.documentElement).color")
        expect("the colour of texts in the dark", dark, "rgb(255, 255, 255)")

        anna.go("/account")
        told = laptop.run("return document.querySelector('main p').innerText")
        expect("the devices", told, "You are logged in on 2 devices.")
        laptop.click("main button")
        anna.arrive("/")
        expect("what is said of the log-out", anna.messages(), ["You are logged out on all devices."])
        expect("the account in the other browser", again.go("/account"), "/login")
        for customer in (anna, again):
            expect("the basket of a guest", customer.basket(), [])
            expect("what the console says", customer.page.complaints(), [])
    return f"{2 * (CLICKS + AT_ONCE)} choices in two tabs, a log-in by keyboard, {used} names, a log-out in two browsers"
