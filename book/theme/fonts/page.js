// The link to the other edition goes into the bar, and keeps the place on the page.
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
    const keepPlace = () => link.setAttribute("href", href + location.hash);
    keepPlace();
    window.addEventListener("hashchange", keepPlace);
    document.querySelector(".right-buttons")?.prepend(switches[0]);
})();

// The themes of the book are two, and mdBook calls the dark one by another name.
(() => {
    const dark = document.getElementById("mdbook-theme-navy");
    if (dark) {
        dark.textContent = document.documentElement.lang === "ru" ? "Тёмная" : "Dark";
    }
})();

// On paper a folded answer cannot be unfolded.
window.addEventListener("beforeprint", () => {
    document.querySelectorAll("main details").forEach((details) => { details.open = true; });
});
