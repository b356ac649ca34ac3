// Blocks the first paint for a moment so that a dark page never flashes white.
const chosen = (() => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
})();
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = () => {
  const choice = document.documentElement.dataset.theme;
  document.documentElement.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
};
document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "system";
apply();
dark.addEventListener("change", apply);
addEventListener("theme-chosen", apply);
