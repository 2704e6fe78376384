"""Cookies of all kinds in a browser: kept, changed, renewed and taken away."""

import sys
import time

from check import expect
from chrome import browser
from programs import serving


def check(_book):
    example = ("cookies_in_a_browser", "--package", "beaker-web", "--features", "cookies,server")
    with serving(*example) as address, browser(320, 64, 1) as page:
        def at(path):
            return page.text(address + path).split(" ")

        for kind, name in [("stored", "__Host-stored"), ("sliding", "__Host-sliding"),
                           ("signed", "__Host-signed"), ("sealed", "__Host-sealed"),
                           ("beaker", "beaker")]:
            at(f"/{kind}/look")
            expect(f"{kind}: who only looks gets a cookie", page.cookie(name), None)
            first, *_ = at(f"/{kind}/visit")
            kept = page.cookie(name) or sys.exit(f"{kind}: the browser keeps no cookie")
            attributes = [kept.get(key) for key in ("httpOnly", "secure", "sameSite", "path")]
            expect(f"{kind}: attributes", attributes, [True, True, "Lax", "/"])
            expect(f"{kind}: ends with the browser", kept["session"], kind != "sliding")
            if kind == "sliding":
                left = kept["expires"] - time.time()
                expect("sliding: an hour", 3500 < left <= 3600, True)
            expect(f"{kind}: a second visit", at(f"/{kind}/visit")[:2], [first, "2"])
            before = page.cookie(name)["value"]
            expect(f"{kind}: a look", at(f"/{kind}/look")[:2], [first, "2"])
            expect(f"{kind}: a look changes the cookie", page.cookie(name)["value"], before)
            at(f"/{kind}/login")
            now, counter, _ = at(f"/{kind}/look")
            expect(f"{kind}: a login changes the id", (now != first, counter), (True, "2"))
            at(f"/{kind}/logout")
            expect(f"{kind}: a cookie after the log-out", page.cookie(name), None)
            expect(f"{kind}: a visit after the log-out", at(f"/{kind}/visit")[1], "1")
            at(f"/{kind}/fill")
            expect(f"{kind}: the largest cookie is kept", at(f"/{kind}/look")[2], "36")
            at(f"/{kind}/delete")
            expect(f"{kind}: a cookie after the deletion", page.cookie(name), None)

        at("/signed/visit")
        old = page.cookie("__Host-signed")["value"]
        expect("the old key's cookie, with both keys", at("/rotated/look")[1], "1")
        expect("it is replaced", page.cookie("__Host-signed")["value"] != old, True)
        expect("with the new key alone", at("/new/look")[1], "1")
        expect("with the old key alone", at("/signed/look")[1], "0")
    return "kept, changed, renewed and taken away as they should be"
