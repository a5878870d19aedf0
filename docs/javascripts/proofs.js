// "Show proofs": one switch per page that reveals the expression behind every proven number. Pointing at a number shows
// its expression without this script (its title); the switch is for touch, the keyboard and print.

const numbers = document.querySelectorAll("[data-proof]");
const heading = document.querySelector(".md-content h1");

if (numbers.length && heading) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "proofs-switch";
  const show = (shown) => {
    document.body.toggleAttribute("data-proofs-shown", shown);
    button.setAttribute("aria-pressed", String(shown));
  };
  const count = numbers.length === 1 ? "the number" : `all ${numbers.length} numbers`;
  button.textContent = `Show proofs of ${count} on this page`;
  button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
  show(false);
  heading.after(button);
}
