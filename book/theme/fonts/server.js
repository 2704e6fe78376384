// What the page says of programs and progress, and how it talks to the workbook's server, for the scripts
// after this one.
(() => {
  const russian = document.documentElement.lang === "ru";
  const words = russian ? {
    run: "Запустить", stop: "Остановить", edit: "Изменить", back: "Вернуть как было",
    check: "Проверить", solve: "Решать здесь", building: "Собирается…", running: "Работает…",
    recorded: "Записанный вывод: страницу открыл не сервер тетради.",
    same: "Совпадает с записанным выводом.", differs: "Отличается от записанного вывода:",
    solved: "Решено!", unsolved: "Пока не то: − должно быть, + напечатано",
    unbegun: "Ещё не начато: это текст, который был здесь с самого начала.",
    failed: "Не получилось:", stopped: "Остановлено.", status: "Код завершения",
    served: "Страница, которую отдаёт программа", reload: "Зайти ещё раз",
    lost: "Сервер тетради не отвечает.",
    locked: "Программы запускает только браузер с ключом: откройте адрес, который показан в терминале. " +
      "Пока здесь записанный вывод.",
    lockedExercise: "Чтобы решать здесь, откройте адрес, который показан в терминале.", source: "Текст программы", done: "пройдено",
  } : {
    run: "Run", stop: "Stop", edit: "Edit", back: "Back to what it was",
    check: "Check", solve: "Solve it here", building: "Being built…", running: "Running…",
    recorded: "The recorded output: it is not the workbook that serves this page.",
    same: "The same as recorded.", differs: "Not the same as recorded:",
    solved: "Solved!", unsolved: "Not yet: − is wanted, + was printed",
    unbegun: "Not begun: this is still the text that was here at first.",
    failed: "That failed:", stopped: "Stopped.", status: "exit status",
    served: "The page that the program serves", reload: "Visit again",
    lost: "The workbook's server does not answer.",
    locked: "Only a browser with the key runs programs: open the address that the terminal shows. Until " +
      "then, this is the recorded output.",
    lockedExercise: "To solve it here, open the address that the terminal shows.", source: "Text of the program", done: "done",
  };

  // The key of our pages: it comes once, behind the address, and is kept for this host and port. A browser
  // sends the cookie to other ports of the host as well; this it sends nowhere.
  const name = "workbook-key";
  const stored = (act) => {
    try {
      return act(localStorage) ?? "";
    } catch {
      // Without storage each page has to be opened by the terminal's address.
      return "";
    }
  };
  const brought = /^#workbook=([\w-]+)$/.exec(location.hash)?.[1];
  if (brought) {
    stored((storage) => storage.setItem(name, brought));
    history.replaceState(null, "", location.pathname + location.search);
  }
  const key = brought ?? stored((storage) => storage.getItem(name));

  const ask = (path, options = {}) => fetch(path, {
    ...options, headers: { ...options.headers, "X-Workbook-Key": key },
  });
  const post = (path, body, signal) => ask(path, {
    method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  });

  // "ours", if programs run; "locked", if this browser has no key; "elsewhere", if the page is from a disk or
  // another server.
  const isLocked = (answer) => answer.headers.get("X-Workbook") === "locked";
  const state = (answer) => (answer.status === 204 ? "ours" : isLocked(answer) ? "locked" : "elsewhere");
  const served = location.protocol.startsWith("http")
    ? ask("/run/hello").then(state, () => "elsewhere")
    : Promise.resolve("elsewhere");

  window.workbook = { ask, isLocked, post, served, words };
})();
