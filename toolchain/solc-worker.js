#!/usr/bin/env node
// The compiler as a process that stays: loading it takes longer than compiling a contract. Each
// line of input is a standard JSON input with all sources in it, each line of output its answer.
"use strict";

const readline = require("node:readline");
const solc = require("solc");

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${solc.compile(line).replaceAll("\n", " ")}\n`);
});
