// The link to the other edition goes into the bar, and leads to the same place of the same page.
(() => {
    const switches = [...document.querySelectorAll("main > nav.edition")];
    if (switches.length !== 1) {
        // The page for printing holds all chapters, each with its link.
        switches.forEach((other) => other.remove());
        return;
    }
    const link = switches[0].querySelector("a");
    let href = link.getAttribute("href");
    if (location.protocol === "file:") {
        // On a disk an edition is in `book/ru/build`, on a server under `/ru`.
        href = href.replace(/^((?:\.\.\/)+)(\w+)\/(.*)$/, "../$1$2/build/$3");
        href = href.replace(/\/$/, "/index.html");
    }
    // Who followed a link is where it leads to, until that is out of sight; who scrolled is at the
    // last heading that was passed. Both editions have the same ids.
    const place = () => {
        const target = document.getElementById(location.hash.slice(1));
        const seen = target?.getBoundingClientRect();
        if (seen && seen.bottom >= 0 && seen.top < window.innerHeight) {
            return location.hash;
        }
        const passed = [...document.querySelectorAll("main :is(h2, h3)[id]")]
            .filter((heading) => heading.getBoundingClientRect().top < window.innerHeight / 3);
        return passed.length > 0 ? `#${passed.pop().id}` : "";
    };
    const keepPlace = () => link.setAttribute("href", href + place());
    keepPlace();
    ["pointerenter", "focus", "click"].forEach((event) => link.addEventListener(event, keepPlace));
    document.querySelector(".right-buttons")?.prepend(switches[0]);
})();

// The themes of the book are two, and mdBook calls the dark one by another name.
(() => {
    const dark = document.getElementById("mdbook-theme-navy");
    if (dark?.textContent === "Navy") {
        dark.textContent = "Dark";
    }
})();

// What mdBook leaves to the mouse.
(() => {
    const skip = document.querySelector("a.skip");
    if (skip) {
        document.body.prepend(skip);
    }

    const contents = document.getElementById("mdbook-sidebar-toggle");
    contents?.setAttribute("tabindex", "0");
    contents?.setAttribute("role", "button");
    contents?.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            contents.click();
        }
    });

    // On a narrow screen the contents cover the text: opened by a key, they have the focus until Escape.
    const narrow = window.matchMedia("(max-width: 620px)");
    const sidebar = document.getElementById("mdbook-sidebar");
    const shown = () => document.documentElement.classList.contains("sidebar-visible");
    contents?.addEventListener("keydown", (event) => {
        if (narrow.matches && shown() && (event.key === "Enter" || event.key === " ")) {
            (sidebar?.querySelector("a.active") ?? sidebar?.querySelector("a[href]"))?.focus();
        }
    });
    sidebar?.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && narrow.matches && shown()) {
            contents.click();
            contents.focus();
        }
    });

    // The arrows go through the themes that are offered; mdBook's own stop at one that is not.
    const themes = document.getElementById("mdbook-theme-list");
    themes?.addEventListener("keydown", (event) => {
        const offered = [...themes.querySelectorAll("button")].filter((button) => button.offsetParent);
        const at = offered.indexOf(document.activeElement);
        const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: offered.length - 1 }[event.key];
        if (to !== undefined) {
            event.preventDefault();
            event.stopPropagation();
            offered[to]?.focus();
        }
    });

    // A search that is closed leaves the focus to its button, and not to nothing.
    document.getElementById("mdbook-search-wrapper")?.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            setTimeout(() => document.getElementById("mdbook-search-toggle")?.focus());
        }
    });

    // A wide listing that has the focus is moved by the arrow keys, and the page stays.
    document.querySelectorAll("pre > code").forEach((code) => {
        code.addEventListener("keydown", (event) => {
            const aside = event.key === "ArrowLeft" || event.key === "ArrowRight";
            if (aside && code.scrollWidth > code.clientWidth) {
                event.stopPropagation();
            }
        });
    });

    // The key of the letter S opens the search on a Russian keyboard too.
    document.addEventListener("keydown", (event) => {
        const free = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
        const typing = /^(?:input|select|textarea)$/i.test(event.target.nodeName);
        if (free && !typing && event.code === "KeyS" && event.key === "ы") {
            event.preventDefault();
            document.getElementById("mdbook-search-toggle")?.click();
        }
    });
})();

// A jump upwards, as Shift+Tab makes it, leaves mdBook's bar in the middle of the text until the next scroll.
(() => {
    const bar = document.getElementById("mdbook-menu-bar");
    document.addEventListener("scroll", (event) => {
        if (event.isTrusted && bar?.getBoundingClientRect().top > 0) {
            document.dispatchEvent(new Event("scroll"));
        }
    }, { passive: true });
})();

// On paper a folded answer cannot be unfolded.
window.addEventListener("beforeprint", () => {
    document.querySelectorAll("main details").forEach((details) => { details.open = true; });
});
