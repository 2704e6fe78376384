"""Words are found whatever their endings, in both languages, and by an address with `?search=`."""

import sys
import urllib.parse

from check import expect

# What is typed, and the page that must be among the first results. No word has the form that the
# page's title has.
QUERIES = {
    "en": {
        "created sessions": "session-create.html",
        "deletes": "session-delete.html",
        "reverted change": "session-revert.html",
        "stored in file": "session-file.html",
        "configuring": "configuration.html",
        "decorators": "cache-decorator.html",
        "regions": "cache-regions.html",
        "dogpiles": "dogpile.html",
        "get_or_create": "dogpile.html",
        "templates": "dogpile-templates.html",
    },
    "ru": {
        "жизни сессий": "sessions.html",
        "созданием сессии": "session-create.html",
        "откатить изменение": "session-revert.html",
        "файлами": "session-file.html",
        "подписанных cookie": "session-cookie.html",
        "базами данных": "session-database.html",
        "своего бэкенда": "own-backend.html",
        "кэшированием функций": "cache-decorator.html",
        "регионами": "cache-regions.html",
        "нескольким хостам": "dogpile-hosts.html",
        "частью шаблонов": "dogpile-templates.html",
        "конфигурацию": "configuration.html",
    },
}
# So many of the results are looked at.
FIRST = 4

RESULTS = """
    const [query] = arguments;
    const heading = document.getElementById("mdbook-searchresults-header").innerText;
    const outer = document.getElementById("mdbook-searchbar-outer");
    if (!heading.includes(query) || outer.classList.contains("searching")) { return null; }
    return [...document.querySelectorAll("#mdbook-searchresults > li")].map((result) => [
        new URL(result.querySelector("a").href).pathname.split("/").pop(),
        result.querySelectorAll("em").length]);
"""

# The stemmers of the page and of the build over every word of the book: an index that the page would
# make of the same texts holds the same words.
ALIKE = """
    const index = elasticlunr.Index.load(window.search.index);
    const wrong = [];
    for (const [name, text] of Object.entries(window.search.index.documentStore.docs)) {
        for (const field of ["title", "body", "breadcrumbs"]) {
            const words = index.pipeline.run(elasticlunr.tokenizer(text[field]));
            if (words.length !== index.documentStore.docInfo[name][field]) {
                wrong.push(`${name} ${field}: ${words.length} words`);
            }
            for (const word of words) {
                if (!(name in index.index[field].getDocs(word))) { wrong.push(word); }
            }
        }
    }
    return [wrong.slice(0, 20), index.documentStore.length];
"""


def found(page, query, name):
    results = page.wait(f"results for {query!r}", RESULTS, query)
    names = [result for result, _ in results[:FIRST]]
    if name not in names:
        sys.exit(f"{query!r} finds {names}, and not {name}")
    if not any(emphasized for _, emphasized in results):
        sys.exit(f"{query!r}: no word of any result is emphasized")


def check(book):
    done = 0
    for edition, queries in QUERIES.items():
        with book.browser() as page:
            for query, name in queries.items():
                page.open(book.address(edition, "introduction.html"))
                page.click("#mdbook-search-toggle")
                page.press(*query)
                found(page, query, name)
                done += 1
            wrong, documents = page.run(ALIKE)
            expect(f"{edition}: words that the page and the build see otherwise", wrong, [])
            expect(f"{edition}: texts that can be found", documents > 0, True)
        for query, name in queries.items():
            with book.browser() as page:
                # Each time the index comes anew, while the scripts of the page still load.
                address = book.address(edition, "introduction.html")
                page.open(f"{address}?search={urllib.parse.quote(query)}")
                found(page, query, name)
    return f"{done} queries, typed and in the address"
