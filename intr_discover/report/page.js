"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Find a species: blocks whose names hold every word that was typed.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const blocks = all("[data-name]").map((block) => ({ block, name: plain(block.dataset.name) }));
  const input = document.getElementById("find");
  const MOST_LINKS = 12;
  const counted = (kind) => {
    const there = blocks.filter(({ block }) => block.dataset.kind === kind);
    const shown = there.filter(({ block }) => !block.hidden).length;
    return there.length ? [`${shown} of ${there.length} ${kind}`] : [];
  };
  const linkTo = (block) => {
    const link = document.createElement("a");
    link.href = `#${block.id}`;
    link.textContent = block.querySelector("h3").textContent;
    link.addEventListener("click", () => open(block));
    const entry = document.createElement("li");
    entry.append(link);
    return entry;
  };
  const find = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    for (const { block, name } of blocks) block.hidden = !words.every((word) => name.includes(word));
    const found = words.length ? blocks.filter(({ block }) => !block.hidden) : [];
    document.getElementById("matches").replaceChildren(
      ...found.slice(0, MOST_LINKS).map(({ block }) => linkTo(block)));
    const counts = [...counted("species"), ...counted("pairs")].join(", ");
    document.getElementById("shown").textContent = words.length
      ? counts + (found.length ? "; Enter opens the first" : "") : "";
  };
  const open = (block) => {
    document.getElementById("matches").replaceChildren(); // it would lie over what was chosen
    block.open = true;
    block.scrollIntoView();
  };
  if (input) {
    input.closest("[hidden]").hidden = false;
    input.value = ""; // a browser that goes back fills in what was typed before
    input.addEventListener("input", find);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        input.value = "";
        find();
      }
      const first = blocks.find(({ block }) => !block.hidden);
      if (event.key === "Enter" && first && input.value.trim()) open(first.block);
    });
  }

  // A link into something folded away unfolds it, and shows what a search had hidden.
  const unfold = (hash) => {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) {
      input.value = "";
      find();
    }
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", () => unfold(location.hash));
  for (const link of all('a[href^="#"]')) link.addEventListener("click", () => unfold(link.hash));
  unfold(location.hash);

  // Paper cannot unfold anything: everything is open, and every picture there, while it is printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const details of opened) details.open = true;
    for (const picture of all('img[loading="lazy"]')) picture.loading = "eager";
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
