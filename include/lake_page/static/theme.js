// Airflow's theme: `class="dark"` on the html element of the page that frames this one (same origin), kept in
// localStorage under "theme". Alone in a tab, this page reads the latter; without it, what the system prefers.
"use strict";
(() => {
  const root = document.documentElement;

  const airflow = () => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // framed by another origin
    }
  };

  const chosen = () => {
    const parent = airflow();
    if (parent?.classList.contains("dark")) return "dark";
    if (parent?.classList.contains("light")) return "light";
    try {
      const kept = localStorage.getItem("theme");
      return kept === "dark" || kept === "light" ? kept : "";
    } catch {
      return "";
    }
  };

  const apply = () => {
    const theme = chosen();
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  apply();
  const parent = airflow();
  if (parent) new MutationObserver(apply).observe(parent, { attributeFilter: ["class"] });
  window.addEventListener("storage", apply);
})();
