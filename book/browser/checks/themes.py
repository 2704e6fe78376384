"""Both themes: chosen by the reader or by the system, kept, and readable in listings and drawings."""

from check import expect

# The least contrast of text, as WCAG has it for plain text; with what was measured.
LEAST = 4.5

MEASURE = """
    const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = (colour) => channels(colour).slice(0, 3).map((value) => {
        const part = value / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const opaque = (colour) => colour.startsWith("rgb") && (channels(colour)[3] ?? 1) === 1;
    // What a text stands on: the next thing under its middle that is filled.
    const ground = (element) => {
        element.scrollIntoView({ block: "center" });
        const box = element.getClientRects()[0];
        const under = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        for (const below of under.slice(under.indexOf(element) + 1).concat(document.documentElement)) {
            const style = getComputedStyle(below);
            if (below instanceof SVGGeometryElement && opaque(style.fill)) { return style.fill; }
            if (below.contains(element) || below instanceof HTMLElement) {
                if (opaque(style.backgroundColor)) { return style.backgroundColor; }
            }
        }
        return "rgb(255, 255, 255)";
    };
    const own = (element) => getComputedStyle(element).backgroundColor;
    const found = [];
    const texts = "main p, main h2, .listing .line, .listing .line span, .output .line, figcaption span, svg text";
    for (const element of document.querySelectorAll(texts)) {
        if (element.textContent.trim() === "" || element.getClientRects().length === 0) { continue; }
        const style = getComputedStyle(element);
        const front = element instanceof SVGElement ? style.fill : style.color;
        const back = opaque(own(element)) ? own(element) : ground(element);
        const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
        found.push([(light + 0.05) / (dark + 0.05), `${front} on ${back}: ${element.textContent.slice(0, 40)}`]);
    }
    return found;
"""
GROUND = "return getComputedStyle(document.documentElement).backgroundColor"


def choose(page, theme):
    page.click("#mdbook-theme-toggle")
    page.click(f"#mdbook-theme-{theme}")


def readable(page, what):
    measured = page.run(MEASURE)
    expect(f"{what}: there are texts", len(measured) > 50, True)
    poor = [text for contrast, text in measured if contrast < LEAST]
    expect(f"{what}: texts with a contrast under {LEAST}", poor, [])
    return len(measured)


def check(book):
    texts = 0
    grounds = {}
    for system in ("light", "dark"):
        with book.browser(theme=system) as page:
            for name in ("session-create.html", "dogpile.html", "sessions.html"):
                page.open(book.address("en", name))
                texts += readable(page, f"{name}, {system}")
            grounds[system] = page.run(GROUND)
            other, chosen = ("navy", "dark") if system == "light" else ("light", "light")
            choose(page, other)
            page.open(book.address("en", "cache.html"))
            grounds[f"{chosen}, chosen"] = page.run(GROUND)
            # Without a choice the system decides again.
            choose(page, "default_theme")
            expect(f"the system's theme, {system}", page.run(GROUND), grounds[system])
    expect("light and dark are two", grounds["light"] != grounds["dark"], True)
    for theme in ("light", "dark"):
        expect(f"{theme}, chosen and kept", grounds[f"{theme}, chosen"], grounds[theme])
    return f"{texts} texts can be read in the light and in the dark theme, which is kept"
