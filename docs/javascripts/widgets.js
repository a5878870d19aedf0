// Brings a page's widgets to life. Only what is on the page is loaded; without this script the static figures remain.

const names = new Set([...document.querySelectorAll("[data-widget]")].map((element) => element.dataset.widget));
for (const name of names) import(`./widgets/${name}.js`);
