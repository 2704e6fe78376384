// How the page shows what is wrong with an output: where it differs, and advice.
(() => {
  const russian = document.documentElement.lang === "ru";

  const make = (name, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.append(...children);
    return element;
  };

  const advice = (all) => all.map((said) => {
    const parts = (russian ? said.ru : said.en).split("`").map((part, number) =>
      (number % 2 ? make("code", { textContent: part }) : part));
    return make("p", { className: "run-advice" }, ...parts);
  });

  const difference = (lines) => {
    const text = make("pre", { className: "run-difference", tabIndex: 0 });
    lines.forEach((line) => {
      const row = make("span", { className: { "-": "gone", "+": "came" }[line.sign] ?? "" });
      row.append(`${line.sign} `, ...line.spans.map((span) =>
        make("span", { className: span.mark, textContent: span.text })), "\n");
      text.append(row);
    });
    return text;
  };

  Object.assign(window.workbook, { advice, difference, make });
})();
