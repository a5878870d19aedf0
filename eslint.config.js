import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["site/", "dist/", ".cache/", ".venv*/", "docs/javascripts/data/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["docs/javascripts/**"], languageOptions: { globals: globals.browser } },
  { files: ["docs/javascripts/widgets/*_worker.js"], languageOptions: { globals: globals.worker } },
  { files: ["tests/javascript/**"], languageOptions: { globals: globals.node } },
];
