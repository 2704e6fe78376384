// Programs run in the page, if the workbook serves it; else the button shows what was recorded.
(() => {
  const { advice, ask, difference, isLocked, make, post, served, words } = window.workbook;

  // What is below a listing: its buttons, its editor, and what came of the last run.
  const add = (figure) => {
    const exercise = figure.dataset.exercise;
    const what = exercise ?? figure.dataset.program;
    const button = (text, act) => make("button", { type: "button", textContent: text, onclick: act });
    const status = make("p", { className: "run-status", role: "status" });
    const output = make("pre", { className: "run-output", hidden: true, tabIndex: 0 });
    const extra = make("div", { className: "run-extra" });
    const editor = make("textarea", { className: "run-editor", hidden: true, spellcheck: false,
      ariaLabel: words.source });
    const run = button(exercise ? words.check : words.run, () => start());
    const stop = button(words.stop, () => stopping?.abort());
    const edit = button(exercise ? words.solve : words.edit, () => open());
    const back = button(words.back, () => close());
    const bar = make("div", { className: "run-bar" }, run, stop, edit, back);
    let stopping;
    let original;

    const show = () => {
      const edited = !editor.hidden;
      const focused = document.activeElement;
      run.hidden = Boolean(stopping) || (Boolean(exercise) && !edited);
      stop.hidden = !stopping;
      edit.hidden = edited || figure.dataset.served === undefined || figure.dataset.part !== undefined;
      back.hidden = !edited;
      // A button that goes leaves the focus to another one, so that the keyboard stays here.
      if (focused.hidden && bar.contains(focused)) {
        leave();
      }
    };
    const leave = () => [stop, run, edit].find((one) => !one.hidden)?.focus();
    const open = async () => {
      const answer = await ask(`/run/source/${what}`).catch(() => null);
      if (!answer?.ok) {
        status.textContent = words.lost;
        return;
      }
      original = await answer.text();
      editor.value = original;
      editor.rows = original.split("\n").length + 1;
      editor.hidden = false;
      figure.querySelector("pre").hidden = true;
      show();
      // The cursor stands where the work is, and not at the end.
      const at = Math.max(original.indexOf("todo!"), 0);
      editor.setSelectionRange(at, at);
      editor.focus();
    };
    const close = () => {
      if (editor.value !== original) {
        editor.value = original;
        return;
      }
      editor.hidden = true;
      figure.querySelector("pre").hidden = false;
      show();
    };
    // On the page, unless that shows a part of it only.
    const recorded = () => figure.dataset.recorded
      ?? document.querySelector(`#output-${CSS.escape(what)} .lines`)?.innerText ?? "";
    const clear = () => {
      status.textContent = "";
      output.textContent = "";
      output.hidden = true;
      extra.replaceChildren();
    };
    const print = (text) => {
      output.append(text);
      output.hidden = false;
    };
    const handle = (event) => {
      switch (event.is) {
      case "building": status.textContent = words.building; break;
      case "running": status.textContent = words.running; break;
      case "printed": print(event.text); break;
      case "serving": {
        // Under the name of this page: a browser keeps cookies of other sites out of a frame.
        const url = `${location.protocol}//${location.hostname}:${event.port}/`;
        // What the reader made of the program may do all in its frame, but not lead this page elsewhere.
        const frame = make("iframe", { src: url, title: words.served,
          sandbox: "allow-forms allow-same-origin allow-scripts" });
        const again = button(words.reload, () => { frame.src = url; });
        extra.append(again, frame);
        break;
      }
      case "failed":
        status.textContent = words.failed;
        print(event.text);
        extra.append(...advice(event.advice));
        break;
      case "ended": {
        if (event.status) {
          print(`[${words.status} ${event.status}]\n`);
        }
        const good = exercise ? words.solved : words.same;
        const bad = event.unbegun ? words.unbegun : exercise ? words.unsolved : words.differs;
        status.textContent = event.same === null ? "" : event.same ? good : bad;
        status.classList.toggle("good", event.same === true);
        if (event.how) {
          print(`${event.how}\n`);
        }
        if (event.same === false && !event.unbegun) {
          extra.append(difference(event.difference));
          extra.append(...advice(event.advice));
        }
        document.dispatchEvent(new Event("workbook-done"));
        break;
      }
      }
    };
    const read = async (answer) => {
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          return;
        }
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        lines.forEach((line) => handle(JSON.parse(line)));
      }
    };
    const start = async () => {
      clear();
      status.classList.remove("good");
      const state = await served;
      if (state !== "ours") {
        status.textContent = state === "locked" ? words.locked : words.recorded;
        print(recorded());
        return;
      }
      stopping = new AbortController();
      show();
      const body = editor.hidden ? { what } : { what, source: editor.value };
      try {
        const answer = await post("/run/start", body, stopping.signal);
        if (answer.ok) {
          await read(answer);
        } else {
          status.textContent = isLocked(answer) ? words.locked : await answer.text();
        }
      } catch (error) {
        status.textContent = error.name === "AbortError" ? words.stopped : words.lost;
        extra.querySelectorAll("iframe, button").forEach((element) => element.remove());
      }
      stopping = undefined;
      show();
    };

    editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        leave();
      }
    });
    window.addEventListener("pagehide", () => stopping?.abort());
    figure.append(editor, bar, status, output, extra);
    show();
    served.then((state) => {
      if (state === "ours") {
        figure.dataset.served = "";
      } else if (state === "locked" && exercise) {
        status.textContent = words.lockedExercise;
      }
      bar.hidden = state !== "ours" && Boolean(exercise);
      show();
    });
  };

  const programs = new Set();
  document.querySelectorAll("figure[data-program], figure[data-exercise]").forEach((figure) => {
    const name = figure.dataset.exercise ?? figure.dataset.program;
    if (!programs.has(name)) {
      programs.add(name);
      add(figure);
    }
  });

})();
