"use strict";
{
  const figures = [...document.querySelectorAll("figure")].filter((figure) => figure.querySelector("img"));
  const dialog = document.querySelector("dialog");
  const large = dialog.querySelector("img");
  const title = dialog.querySelector("h2");
  const places = {
    facts: dialog.querySelector(".large-facts"),
    differences: dialog.querySelector(".large-differences"),
    standing: dialog.querySelector(".standing"),
  };
  let current = 0;

  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  document.querySelector(".tools").hidden = false;
  for (const button of document.querySelectorAll("[data-set-size]")) {
    button.addEventListener("click", () => {
      document.body.dataset.size = button.dataset.setSize;
      for (const other of document.querySelectorAll("[data-set-size]")) press(other, other === button);
    });
  }
  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.addEventListener("click", () => press(button, document.body.classList.toggle(button.dataset.toggle)));
  }

  const show = (index) => {
    current = index;
    const figure = figures[index];
    const small = figure.querySelector("img");
    large.src = small.src;
    large.alt = small.alt;
    large.width = small.width;
    large.height = small.height;
    title.textContent = [...figure.querySelectorAll(".place span")].map((span) => span.textContent).join(", ");
    const facts = figure.querySelector(".facts").cloneNode(true);
    facts.hidden = false;
    places.facts.replaceChildren(facts);
    const differences = figure.querySelector(".differences");
    places.differences.hidden = !differences;
    places.differences.querySelector("ul")?.remove();
    if (differences) places.differences.append(differences.cloneNode(true));
    const standing = figure.querySelector(".standing");
    places.standing.replaceChildren(...(standing ? standing.cloneNode(true).childNodes : []));
    dialog.className = figure.className;
  };

  // One step along a row or a column of the same panel; at an edge, on through the sheet in reading order.
  const step = (rows, columns) => {
    const here = figures[current];
    const row = Number(here.dataset.row) + rows;
    const column = Number(here.dataset.column) + columns;
    const panel = here.closest("section");
    const found = figures.findIndex(
      (figure) =>
        figure.closest("section") === panel &&
        Number(figure.dataset.row) === row && Number(figure.dataset.column) === column,
    );
    if (found >= 0) show(found);
    else if (columns) walk(columns);
  };
  const walk = (by) => show((current + by + figures.length) % figures.length);

  figures.forEach((figure, index) => {
    figure.querySelector(".enlarge").addEventListener("click", () => {
      show(index);
      dialog.showModal();
      title.focus();
    });
  });

  const doings = {
    previous: () => walk(-1),
    next: () => walk(1),
    close: () => dialog.close(),
    pixels: (button) => press(button, dialog.toggleAttribute("data-pixels")),
  };
  for (const button of dialog.querySelectorAll("[data-do]")) {
    button.addEventListener("click", () => doings[button.dataset.do](button));
  }
  const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  dialog.addEventListener("keydown", (event) => {
    if (!(event.key in arrows) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(...arrows[event.key]);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => figures[current].querySelector(".enlarge").focus());
}
