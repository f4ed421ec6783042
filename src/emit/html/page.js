// Search and filters of tables that say data-filter. All text goes in as text; without this script every row stands there.
(() => {
  "use strict";
  const STEP = 200;
  const make = (tag, into, text, set) => {
    const made = Object.assign(document.createElement(tag), set);
    if (text) made.textContent = text;
    into.append(made);
    return made;
  };
  const again = [];
  for (const table of document.querySelectorAll("table[data-filter]")) {
    const what = table.dataset.filter;
    const rows = [...table.tBodies[0].rows];
    if (!rows.length) continue;
    const cells = rows.map((row) => [...row.cells].map((cell) => cell.textContent));
    const texts = cells.map((row) => row.join("\n").toLowerCase());
    const box = table.closest(".wide") || table;
    const tools = document.createElement("form");
    tools.className = "tools";
    tools.setAttribute("role", "search");
    tools.setAttribute("aria-label", "Filter the " + what);
    const search = make("input", make("label", tools, "Search the " + what), "", { type: "search", autocomplete: "off", spellcheck: false });
    const picks = [];
    for (const head of table.tHead.rows[0].cells) {
      if (!("pick" in head.dataset)) continue;
      const at = head.cellIndex;
      const counts = new Map();
      for (const row of cells) for (const one of row[at].split(", ")) if (one) counts.set(one, (counts.get(one) || 0) + 1);
      const pick = make("select", make("label", tools, head.textContent));
      make("option", pick, "any", { value: "" });
      for (const [one, count] of [...counts].sort()) make("option", pick, one + " (" + count + ")", { value: one });
      picks.push([at, pick]);
    }
    make("button", tools, "Clear", { type: "reset" });
    box.before(tools);
    const told = document.createElement("p");
    told.className = "dim";
    told.setAttribute("role", "status");
    box.before(told);
    const more = document.createElement("button");
    more.className = "more";
    more.type = "button";
    box.after(more);

    let limit = STEP;
    let hits = rows;
    let shown = rows;
    const show = () => {
      const next = hits.slice(0, limit);
      const keep = new Set(next);
      for (const row of shown) if (!keep.has(row)) row.hidden = true;
      for (const row of next) row.hidden = false;
      shown = next;
      const left = hits.length - shown.length;
      told.textContent = hits.length + " of " + rows.length + " " + what + (left ? ", the first " + shown.length + " shown" : "");
      more.hidden = !left;
      more.textContent = "Show " + Math.min(left, 5 * STEP) + " more";
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = picks.filter(([, pick]) => pick.value).map(([at, pick]) => [at, pick.value]);
      limit = STEP;
      hits = rows.filter((_, n) =>
        words.every((word) => texts[n].includes(word)) &&
        wanted.every(([at, value]) => cells[n][at].split(", ").includes(value)));
      show();
    };
    tools.addEventListener("input", filter);
    tools.addEventListener("reset", () => setTimeout(() => { filter(); search.focus(); }));
    tools.addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", () => {
      const first = hits[limit];
      limit += 5 * STEP;
      show();
      // The keyboard goes on where it was, though the button may be gone.
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
    });
    again.push([() => { limit = hits.length; show(); }, () => { limit = STEP; show(); }]);
    show();
  }
  // Paper shows what is folded and all that the filters let through.
  addEventListener("beforeprint", () => {
    again.forEach(([all]) => all());
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => again.forEach(([, some]) => some()));
})();
