"""The link to the other edition leads to the same place, from a server and from the disk."""

from urllib.parse import urlsplit

from check import expect

PAGE = "introduction.html"
HEADING = "first-result"

# A page that is loaded to the end, and the place that it shows.
ARRIVED = """
    const [language] = arguments;
    return document.documentElement.lang === language && document.readyState === "complete"
        && document.querySelector(".right-buttons .edition") !== null;
"""


def switch(page, language):
    page.click(".edition a")
    page.wait(f"the edition {language}", ARRIVED, language)
    address = urlsplit(page.url())
    return address.path.split("/")[-1], address.fragment


def check(book):
    for disk in (False, True):
        def start(edition, place=""):
            page.open(book.address(edition, PAGE + place, disk))
            page.wait("the page", ARRIVED, edition)

        with book.browser(height=500) as page:
            for edition, other in (("en", "ru"), ("ru", "en")):
                where = f"{edition}, {'from the disk' if disk else 'served'}"
                start(edition)
                expect(f"{where}: the top of the page", switch(page, other), (PAGE, ""))
                start(edition, f"#{HEADING}")
                expect(f"{where}: a heading in the address", switch(page, other), (PAGE, HEADING))
                shown = page.run("const { top } = document.getElementById(arguments[0])"
                                 ".getBoundingClientRect(); return top >= 0 && top < 250", HEADING)
                expect(f"{where}: the heading is shown at the top", shown, True)
                start(edition)
                page.run("document.getElementById(arguments[0]).scrollIntoView()", HEADING)
                expect(f"{where}: scrolled to a heading", switch(page, other), (PAGE, HEADING))
                start(edition, f"#{HEADING}")
                page.run("window.scrollTo(0, 0)")
                page.wait("the top", "return window.scrollY === 0")
                page.run("document.querySelector('main').style.paddingBlockEnd = '3000px';"
                         "window.scrollTo(0, document.body.scrollHeight)")
                last = page.run("return [...document.querySelectorAll('main :is(h2, h3)[id]')]"
                                ".pop().id")
                expect(f"{where}: past the heading in the address", switch(page, other)[1], last)
    return "the other edition shows the same heading"
