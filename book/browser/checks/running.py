"""Programs run in the page: compared, edited, stopped, served in a frame; exercises; progress; no server."""

from check import expect
from programs import BUILD_PATIENCE

PROGRAM = "figure[data-program]"
EXERCISE = "figure[data-exercise]"

BUTTONS = """
    const [figure] = arguments;
    return [...document.querySelectorAll(`${figure} .run-bar button`)]
        .filter((button) => !button.hidden).map((button) => button.textContent);
"""
PRESS = """
    const [figure, text] = arguments;
    const buttons = [...document.querySelectorAll(`${figure} .run-bar button, ${figure} .run-extra button`)];
    const button = buttons.find((button) => button.textContent === text && !button.hidden);
    button?.click();
    return Boolean(button);
"""
# What came of it, once the server neither builds nor runs.
VERDICT = """
    const said = document.querySelector(`${arguments[0]} .run-status`).textContent;
    return said.endsWith("…") ? "" : said;
"""
OUTPUT = "return document.querySelector(`${arguments[0]} .run-output`).textContent;"
REPLACE = """
    const [figure, from, to] = arguments;
    const editor = document.querySelector(`${figure} .run-editor`);
    if (!editor.value.includes(from)) { return false; }
    editor.value = editor.value.replace(from, to);
    return true;
"""


def opened(page, address):
    page.open(address)
    page.wait("the server's word that programs run", "return document.querySelector('[data-served]') !== null;")


def press(page, figure, text):
    page.wait(f"the button `{text}`", PRESS, figure, text)


def verdict(page, figure, wanted):
    """However long it is compiled, on a machine however busy, as long as the server says that it is at it."""
    found = page.wait("the server to end with it", VERDICT, figure, patience=BUILD_PATIENCE)
    expect("the verdict", found, wanted)


def runs_and_edits(page, book):
    opened(page, book.address("en", "session-create.html"))
    expect("the buttons", page.run(BUTTONS, PROGRAM), ["Run", "Edit"])
    press(page, PROGRAM, "Run")
    verdict(page, PROGRAM, "The same as recorded.")
    expect("the output", "has no key `Russian`" in page.run(OUTPUT, PROGRAM), True)
    press(page, PROGRAM, "Edit")
    page.wait("the editor", REPLACE, PROGRAM, "Kimi Räikkönen", "Mika Häkkinen")
    press(page, PROGRAM, "Run")
    verdict(page, PROGRAM, "Not the same as recorded:")
    changed = "return document.querySelector('.run-difference .changed').textContent.startsWith('Kimi');"
    expect("what differs", page.run(changed), True)
    press(page, PROGRAM, "Back to what it was")
    source = "return document.querySelector('.run-editor').value.includes('Kimi Räikkönen');"
    expect("the way back", page.run(source), True)


def stops(page):
    page.wait("the editor", REPLACE, PROGRAM, "fn main() -> Result<()> {",
              "fn main() -> Result<()> {\n    println!(\"waits\");\n    std::thread::sleep("
              "std::time::Duration::from_secs(9999));")
    press(page, PROGRAM, "Run")
    page.wait("its first line", "return document.querySelector('.run-output').textContent === 'waits\\n';",
              patience=BUILD_PATIENCE)
    press(page, PROGRAM, "Stop")
    verdict(page, PROGRAM, "Stopped.")


def solves(page, book):
    opened(page, book.address("ru", "session-create.html"))
    expect("the button", page.run(BUTTONS, EXERCISE), ["Решать здесь"])
    press(page, EXERCISE, "Решать здесь")
    todo = 'todo!("the driver of {country} in {session:?}")'
    page.wait("the editor", REPLACE, EXERCISE, todo, "session.require(country).unwrap().as_str().unwrap()")
    press(page, EXERCISE, "Проверить")
    verdict(page, EXERCISE, "Пока не то: − должно быть, + напечатано")
    page.wait("advice", "return document.querySelector('.run-advice')?.textContent.includes('get');")
    page.run(REPLACE, EXERCISE, "session.require(country).unwrap().as_str().unwrap()",
             'session.get(country).and_then(|driver| driver.as_str()).unwrap_or("no driver")')
    press(page, EXERCISE, "Проверить")
    verdict(page, EXERCISE, "Решено!")
    page.wait("its mark", "return document.querySelector('figure[data-exercise].run-done') !== null;")


def serves(page, book):
    opened(page, book.address("en", "session-wsgi.html"))
    press(page, PROGRAM, "Run")
    shown = "return document.querySelector('iframe') !== null;"
    page.wait("the frame", shown, patience=BUILD_PATIENCE)
    for visit in (1, 2, 3):
        # Another origin: its text is not for the page's scripts, but the browser knows it.
        frame_says(page, f"Counter value is: {visit}")
        if visit < 3:
            press(page, PROGRAM, "Visit again")
    press(page, PROGRAM, "Stop")
    verdict(page, PROGRAM, "Stopped.")


def serves_of_several_files(page, book):
    opened(page, book.address("en", "shop-catalogue.html"))
    expect("the buttons of a file of several", page.run(BUTTONS, PROGRAM), ["Run"])
    press(page, PROGRAM, "Run")
    page.wait("the frame", "return document.querySelector('iframe') !== null;", patience=BUILD_PATIENCE)
    frame_says(page, "Articles", "return document.querySelector('h1').innerText === arguments[0];")
    press(page, PROGRAM, "Stop")
    verdict(page, PROGRAM, "Stopped.")


def frame_says(page, text, script="return document.body.innerText === arguments[0];"):
    frame = page.call("POST", "/element", {"using": "css selector", "value": "iframe"})
    page.call("POST", "/frame", {"id": frame})
    page.wait(text, script, text)
    page.call("POST", "/frame", {"id": None})


def keeps_progress(page, book):
    page.open(book.address("en", "caching.html"))
    page.run("window.scrollTo(0, document.body.scrollHeight);")
    marked = "return document.querySelector('#mdbook-sidebar a.read[href*=caching]') !== null;"
    page.wait("the mark in the contents", marked)
    page.open(book.address("ru", "beaker.html"))
    page.wait("the mark on another page", marked)


def shows_what_is_recorded(page, book):
    page.open(book.address("en", "session-create.html", disk=True))
    press(page, PROGRAM, "Run")
    verdict(page, PROGRAM, "The recorded output: it is not the workbook that serves this page.")
    expect("the output", "has no key `Russian`" in page.run(OUTPUT, PROGRAM), True)
    expect("nothing to edit", page.run(BUTTONS, PROGRAM), ["Run"])


def check(book):
    with book.browser() as page:
        book.enter(page)
        runs_and_edits(page, book)
        stops(page)
        solves(page, book)
        serves(page, book)
        serves_of_several_files(page, book)
        expect("what the console says", page.complaints(), [])
        keeps_progress(page, book)
        shows_what_is_recorded(page, book)
    return "programs run, differ, stop and serve; an exercise is solved; progress is kept; recorded without a server"
