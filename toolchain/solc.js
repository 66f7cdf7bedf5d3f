#!/usr/bin/env node
// The compiler as an executable: py-solc-x, through which Ape compiles, knows no other kind, and
// package-lock.json pins the official Emscripten build, which is a library. The two options that
// py-solc-x and Forge need are here; anything else is refused.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

class UsageError extends Error {}

function parseArguments(words) {
  const options = { mode: null, roots: [] };
  const rest = [...words];
  while (rest.length > 0) {
    const word = rest.shift();
    const [name, inlineValue] = word.split(/=(.*)/s, 2);
    const takeValue = () => {
      const value = inlineValue ?? rest.shift();
      if (value === undefined) {
        throw new UsageError(`${name} needs a value`);
      }
      return value;
    };
    switch (name) {
      case "--version":
      case "--standard-json":
        options.mode = name;
        break;
      case "--base-path":
        options.roots.unshift(takeValue());
        break;
      case "--include-path":
        options.roots.push(takeValue());
        break;
      case "--allow-paths":
        // Widens what the native compiler may read; here all that the user can read is allowed.
        takeValue();
        break;
      default:
        throw new UsageError(`unknown option ${word}`);
    }
  }
  if (options.mode === null) {
    throw new UsageError("expected --version or --standard-json");
  }
  return options;
}

function fileReader(roots) {
  const folders = roots.length > 0 ? roots : [process.cwd()];
  return (sourceName) => {
    for (const folder of folders) {
      try {
        return { contents: fs.readFileSync(path.resolve(folder, sourceName), "utf8") };
      } catch (error) {
        if (error.code !== "ENOENT" && error.code !== "ENOTDIR") {
          return { error: error.message };
        }
      }
    }
    return { error: `File not found: ${sourceName}, in ${folders.join(", ")}` };
  };
}

function main() {
  const { mode, roots } = parseArguments(process.argv.slice(2));
  const solc = require("solc");
  if (mode === "--version") {
    return `solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`;
  }
  // Errors in the sources are part of the answer, as they are with the native compiler.
  return `${solc.compile(fs.readFileSync(0, "utf8"), { import: fileReader(roots) })}\n`;
}

try {
  process.stdout.write(main());
} catch (error) {
  const hint = error.code === "MODULE_NOT_FOUND" ? " (run `make setup`)" : "";
  process.stderr.write(`solc: ${error.message}${hint}\n`);
  process.exitCode = 1;
}
