"use strict";
(() => {
  document.documentElement.classList.add("script");

  // One player at a time: sounds are compared one after another.
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  // Small players under pictures share one voice: the sound under the button that was pressed last.
  const voice = new Audio();
  let pressed = null;
  voice.addEventListener("ended", () => { if (pressed) pressed.textContent = "▶"; pressed = null; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.play");
    if (!button) return;
    if (pressed) pressed.textContent = "▶";
    voice.pause();
    pressed = pressed === button ? null : button;
    if (!pressed) return;
    voice.src = button.dataset.sound;
    voice.currentTime = 0;
    button.textContent = "◼";
    voice.play();
  });

  // Paper cannot unfold.
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  for (const figure of document.querySelectorAll("[data-map]")) map(figure);

  function map(figure) {
    const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const ground = figure.querySelector(".ground");
    const svg = ground.querySelector("svg");
    const card = ground.querySelector(".card");
    const projections = [...figure.querySelectorAll("[data-projection]")];
    const legend = [...figure.querySelectorAll("[data-class]")];
    const pick = figure.querySelector("[data-pick]");
    const circles = [];
    for (const circle of svg.querySelectorAll("circle")) circles[Number(circle.dataset.i)] = circle;
    const chosen = new Set();
    let points = data.points[projections.length ? projections[0].dataset.projection : Object.keys(data.points)[0]];
    let current = -1;
    let held = false;
    crop();

    function crop() {
      const sheet = data.sprite;
      const image = card.querySelector("img");
      if (!sheet || !image) return;
      const frame = image.parentElement;
      frame.style.width = `${sheet.width * sheet.zoom}px`;
      frame.style.height = `${sheet.height * sheet.zoom}px`;
      image.style.width = `${sheet.columns * sheet.cell * sheet.zoom}px`;
      image.style.height = `${sheet.rows * sheet.cell * sheet.zoom}px`;
    }

    const shown = (i) => chosen.size === 0 || chosen.has(data.labels[i]);

    function show(i) {
      if (current >= 0) circles[current].classList.remove("current");
      current = i;
      if (i < 0) {
        held = false;
        card.hidden = true;
        return;
      }
      circles[i].classList.add("current");
      svg.append(circles[i]);
      const sheet = data.sprite;
      if (sheet) {
        const image = card.querySelector("img");
        const step = sheet.cell * sheet.zoom;
        image.style.left = `${-(i % sheet.columns) * step}px`;
        image.style.top = `${-Math.floor(i / sheet.columns) * step}px`;
      }
      card.querySelector(".label").textContent = data.classes.length ? data.classes[data.labels[i]] : "";
      card.querySelector(".name").textContent = data.names[i];
      card.hidden = false;
      place(i);
    }

    // Beside the point, on the side with room, and never past the edge of the map.
    function place(i) {
      const scale = svg.clientWidth / svg.viewBox.baseVal.width;
      const [x, y] = [points[2 * i] * scale, points[2 * i + 1] * scale];
      const right = x + 14 + card.offsetWidth <= ground.clientWidth;
      const left = right ? x + 14 : Math.max(0, x - 14 - card.offsetWidth);
      const top = Math.max(0, Math.min(ground.clientHeight - card.offsetHeight, y - card.offsetHeight / 2));
      card.style.left = `${left}px`;
      card.style.top = `${top}px`;
    }

    function nearest(event, reach) {
      if (event.target.dataset && event.target.dataset.i && shown(Number(event.target.dataset.i)))
        return Number(event.target.dataset.i);
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      let best = -1;
      let least = (reach * scale) ** 2;
      for (let i = 0; i < circles.length; i++) {
        const distance = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
        if (distance <= least && shown(i)) [best, least] = [i, distance];
      }
      return best;
    }

    // The nearest point in the quarter that the key points to.
    function step(dx, dy) {
      let best = -1;
      let least = Infinity;
      for (let i = 0; i < circles.length; i++) {
        const [x, y] = [points[2 * i] - points[2 * current], points[2 * i + 1] - points[2 * current + 1]];
        const along = x * dx + y * dy;
        const across = Math.abs(x * dy) + Math.abs(y * dx);
        if (i !== current && shown(i) && along > 0 && across <= along && along + across < least)
          [best, least] = [i, along + across];
      }
      return best < 0 ? current : best;
    }

    const others = () => circles.map((_, i) => i).filter(shown);

    svg.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" || event.pointerType === "pen") {
        const i = nearest(event, 12);
        if (!held && i !== current) show(i);
      }
    });
    svg.addEventListener("pointerleave", (event) => {
      if (!held && event.pointerType !== "touch") show(-1);
    });
    svg.addEventListener("click", (event) => {
      const i = nearest(event, event.pointerType === "touch" ? 24 : 12);
      show(i);
      held = i >= 0;
    });
    svg.addEventListener("keydown", (event) => {
      const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
      const all = others();
      if (event.key in arrows && all.length) show(current < 0 ? all[0] : step(...arrows[event.key]));
      else if (event.key === "Home" && all.length) show(all[0]);
      else if (event.key === "End" && all.length) show(all[all.length - 1]);
      else if (event.key === "Escape") show(-1);
      else return;
      held = current >= 0;
      event.preventDefault();
    });
    svg.addEventListener("blur", () => show(-1));

    for (const button of projections)
      button.addEventListener("click", () => {
        const name = button.dataset.projection;
        show(-1);
        points = data.points[name];
        for (const other of projections) other.setAttribute("aria-pressed", String(other === button));
        for (const note of figure.querySelectorAll("[data-note]")) note.hidden = note.dataset.note !== name;
        svg.setAttribute("aria-label", svg.getAttribute("aria-label").replace(/^.* map of/, `${name} map of`));
        circles.forEach((circle, i) => {
          circle.setAttribute("cx", points[2 * i]);
          circle.setAttribute("cy", points[2 * i + 1]);
        });
      });

    function choose() {
      show(-1);
      circles.forEach((circle, i) => circle.classList.toggle("faded", !shown(i)));
      circles.forEach((circle, i) => circle.classList.toggle("picked", chosen.size > 0 && shown(i)));
      if (chosen.size) svg.append(...circles.filter((_, i) => shown(i)));
      for (const button of legend)
        button.setAttribute("aria-pressed", String(chosen.has(Number(button.dataset.class))));
    }

    for (const button of legend)
      button.addEventListener("click", () => {
        const number = Number(button.dataset.class);
        if (!chosen.delete(number)) chosen.add(number);
        if (pick) pick.value = chosen.size === 1 ? String([...chosen][0]) : "";
        choose();
      });
    if (pick)
      pick.addEventListener("change", () => {
        chosen.clear();
        if (pick.value !== "") chosen.add(Number(pick.value));
        choose();
      });
  }
})();
