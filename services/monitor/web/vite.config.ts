import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1000, // three.js alone is most of it, and the page is local
    modulePreload: { polyfill: false },
  },
});
