// The reader's progress: what is done has a mark in the contents.
(() => {
  const { ask, post, served, words } = window.workbook;
  const page = location.pathname.split("/").pop().replace(/(index)?(\.html)?$/, "") || "introduction";
  const mark = async () => {
    const answer = await ask("/run/done").catch(() => null);
    const done = answer?.ok ? await answer.json() : null;
    if (!done) {
      return;
    }
    document.querySelectorAll("#mdbook-sidebar a[href]").forEach((link) => {
      const name = link.getAttribute("href").split("/").pop().replace(/\.html.*$/, "");
      if (done.pages.includes(name) && !link.classList.contains("read")) {
        link.classList.add("read");
        link.title = words.done;
      }
    });
    document.querySelectorAll("figure[data-program], figure[data-exercise]").forEach((figure) => {
      const { program, exercise } = figure.dataset;
      const is = exercise ? done.exercises.includes(exercise) : done.programs.includes(program);
      figure.classList.toggle("run-done", is);
    });
  };
  served.then((state) => {
    if (state !== "ours") {
      return;
    }
    mark();
    document.addEventListener("workbook-done", mark);
    const end = document.querySelector("main > :last-child");
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watcher.disconnect();
        post("/run/read", { page }).then(mark, () => {});
      }
    });
    if (end) {
      watcher.observe(end);
    }
  });
})();
