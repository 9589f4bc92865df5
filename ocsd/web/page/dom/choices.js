// Choices of the reader that outlive the page: dark or light.

const ORDER = ["auto", "dark", "light"];

function stored() {
  try {
    return localStorage.getItem("ocsd-theme") || "auto";
  } catch {
    return "auto"; // storage is switched off
  }
}

function store(theme) {
  try {
    localStorage.setItem("ocsd-theme", theme);
  } catch {
    // The choice then holds until the page is closed.
  }
}

/** The button that goes through auto, dark and light; `changed` is called after each change. */
export function themeSwitch(button, changed) {
  let theme = stored();
  const apply = () => {
    if (!ORDER.includes(theme)) theme = "auto";
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    changed();
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    store(theme);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}
