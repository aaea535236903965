// The figures follow the switch between light and dark, not only the system's setting.
document.addEventListener("DOMContentLoaded", () => {
  const media = { dark: "all", light: "not all", auto: "(prefers-color-scheme: dark)" };
  const follow = () => {
    for (const source of document.querySelectorAll("picture source")) {
      source.media = media[document.body.dataset.theme];
    }
  };
  follow();
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
});
