// Build static/dist/ from static/src/: `npm run build`, or `npm run build -- --check` for sizes only.
// Class names must stand whole in templates, Python or scripts: PurgeCSS drops what it cannot find.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { build, transform } from "esbuild";
import { PurgeCSS } from "purgecss";

const OUT = "static/dist";
const SEEN = ["templates/**/*.html", "{cs_platform,team,accounts,health,successmaps,playbooks,integrations}/**/*.py",
  "static/src/js/**/*.js"];
// Written by the browser or a library at run time, so no file of ours names them.
const STATE_CLASSES = [/^htmx-/, /^u-/, /^uplot$/, /^sortable-/];
const LIBRARY_SELECTORS = [/ts-wrapper|ts-control|ts-dropdown|ts-hidden/];

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });

const shared = { bundle: true, minify: true, target: ["chrome125", "firefox128", "safari17.5"], logLevel: "warning" };
await build({ ...shared, entryPoints: ["theme", "app", "charts", "editor", "select"].map((n) => `static/src/js/${n}.js`),
  format: "iife", outdir: OUT });

const css = await build({ ...shared, minify: false, write: false, entryPoints: ["static/src/css/app.css"],
  outdir: OUT, loader: { ".woff2": "file" }, assetNames: "[name]" });
for (const file of css.outputFiles.filter((f) => !f.path.endsWith(".css"))) await writeFile(file.path, file.contents);
const raw = css.outputFiles.find((f) => f.path.endsWith(".css")).text;
const [purged] = await new PurgeCSS().purge({ content: SEEN, css: [{ raw }], variables: true, keyframes: true,
  safelist: { standard: STATE_CLASSES, greedy: LIBRARY_SELECTORS, variables: [/^--(ok|watch|risk|none)/] },
  defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [] });
const small = await transform(purged.css, { loader: "css", minify: true, target: shared.target });
await writeFile(`${OUT}/app.css`, small.code);
await writeFile("THIRD_PARTY.md", await thirdParty());

async function thirdParty() {
  const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
  const row = ([path, p]) => `| ${path.slice(path.lastIndexOf("node_modules/") + 13)} | ${p.version} | ${p.license} |`;
  const list = (wanted) => Object.entries(packages).filter(([path, p]) => path && !p.optional && wanted(p)).map(row).join("\n");
  const head = "| package | version | licence |\n| --- | --- | --- |\n";
  return `# Third-party packages of the pages\n\nWritten by \`build.mjs\` from package-lock.json; the Python ones stand in requirements/. Icons: Lucide (ISC).\n\n`
    + `## Shipped to browsers, or bundled from\n\n${head}${list((p) => !p.dev)}\n\n## Build and test only\n\n${head}${list((p) => p.dev)}\n`;
}
