import { defineConfig, type EnvironmentOptions } from "vite";

/** Each page is a build of its own: a report's one script can be put into its file as it is. */
const page = (input: string): EnvironmentOptions => ({
  consumer: "client",
  build: { rollupOptions: { input }, emptyOutDir: input === "index.html" },
});

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1000, // three.js alone is most of it, and the page is local
    modulePreload: { polyfill: false },
  },
  environments: {
    client: page("index.html"),
    report: page("report.html"),
    calibration: page("calibration.html"),
    preview: page("preview.html"),
  },
  builder: {
    async buildApp(builder) {
      await builder.build(builder.environments.client!);
      await builder.build(builder.environments.report!);
      await builder.build(builder.environments.calibration!);
      await builder.build(builder.environments.preview!);
    },
  },
});
