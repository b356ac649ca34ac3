// Build static/dist/ from static/src/ and write THIRD_PARTY.md: `npm run build`.
// Tabler's stylesheet is purged to what our files name, so class names must stand whole in templates,
// Python or scripts. Our own and the libraries' small ones are kept as they are.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { PurgeCSS } from "purgecss";

const OUT = "static/dist";
const SEEN = ["templates/**/*.html", "{cs_platform,team,accounts,health,successmaps,playbooks,integrations}/**/*.py",
  "static/src/js/**/*.js"];

const purgeTabler = {
  name: "purge-tabler",
  setup(bundler) {
    bundler.onLoad({ filter: /@tabler.core.*\.css$/ }, async ({ path }) => {
      const [purged] = await new PurgeCSS().purge({ content: SEEN, css: [path], variables: true, keyframes: true,
        defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [] });
      return { contents: purged.css, loader: "css" };
    });
  },
};

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const shared = { bundle: true, minify: true, target: ["chrome125", "firefox128", "safari17.5"], outdir: OUT, logLevel: "warning" };
await build({ ...shared, entryPoints: ["theme", "app", "charts", "editor", "select"].map((name) => `static/src/js/${name}.js`),
  format: "iife" });
await build({ ...shared, entryPoints: ["static/src/css/app.css"], plugins: [purgeTabler],
  loader: { ".woff2": "file" }, assetNames: "[name]" });
await writeFile("THIRD_PARTY.md", await thirdParty());

async function thirdParty() {
  const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
  const row = ([path, p]) => `| ${path.slice(path.lastIndexOf("node_modules/") + 13)} | ${p.version} | ${p.license} |`;
  const list = (wanted) => Object.entries(packages).filter(([path, p]) => path && !p.optional && wanted(p)).map(row).join("\n");
  const head = "| package | version | licence |\n| --- | --- | --- |\n";
  return `# Third-party packages of the pages\n\nWritten by \`build.mjs\` from package-lock.json; the Python ones stand in requirements/. Icons: Lucide (ISC).\n\n`
    + `## Shipped to browsers, or bundled from\n\n${head}${list((p) => !p.dev)}\n\n## Build and test only\n\n${head}${list((p) => p.dev)}\n`;
}
