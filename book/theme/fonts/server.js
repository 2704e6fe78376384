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
    failed: "Не получилось:", stopped: "Остановлено.", status: "Код завершения",
    served: "Страница, которую отдаёт программа", reload: "Зайти ещё раз",
    lost: "Сервер тетради не отвечает.", source: "Текст программы", done: "пройдено",
  } : {
    run: "Run", stop: "Stop", edit: "Edit", back: "Back to what it was",
    check: "Check", solve: "Solve it here", building: "Being built…", running: "Running…",
    recorded: "The recorded output: it is not the workbook that serves this page.",
    same: "The same as recorded.", differs: "Not the same as recorded:",
    solved: "Solved!", unsolved: "Not yet: − is wanted, + was printed",
    failed: "That failed:", stopped: "Stopped.", status: "exit status",
    served: "The page that the program serves", reload: "Visit again",
    lost: "The workbook's server does not answer.", source: "Text of the program", done: "done",
  };

  const served = location.protocol.startsWith("http")
    ? fetch("/run/token").then((answer) => (answer.ok ? answer.text() : null), () => null)
    : Promise.resolve(null);

  const post = (path, token, body, signal) => fetch(path, {
    method: "POST", signal, body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Workbook-Token": token },
  });

  window.workbook = { served, post, words };
})();
