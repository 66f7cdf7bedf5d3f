// What a client in another language reads in docs/protocol.md: declarations, typed structs, tables.

import { readFileSync } from "node:fs";
import { parseAbi } from "viem";

export class Page {
  constructor(file) {
    this.text = readFileSync(file, "utf8");
  }

  between(begin, end) {
    const from = this.text.indexOf(begin);
    const to = this.text.indexOf(end, from + begin.length);
    if (from < 0 || to < 0) throw new Error(`the page has no ${begin} … ${end}`);
    return this.text.slice(from + begin.length, to);
  }

  abi() {
    return parseAbi(this.declarations("<!-- interface", "<!-- end of interface -->"));
  }

  // Of the market in a token: what it has in another form stands in the place of the first one's.
  tokenAbi() {
    const own = this.declarations("<!-- token ledger", "<!-- end of token ledger -->");
    const structs = this.declarations("<!-- interface", "<!-- end of interface -->").filter((line) =>
      line.startsWith("struct"),
    );
    const replaced = new Set(own.map(named));
    const others = this.declarations("<!-- interface", "<!-- end of interface -->").filter(
      (line) => !line.startsWith("struct") && !line.startsWith("receive") && !replaced.has(named(line)),
    );
    return parseAbi([...structs, ...own, ...others]);
  }

  declarations(begin, end) {
    const blocks = this.between(begin, end).matchAll(/```solidity\n(.*?)```/gs);
    const lines = [...blocks].flatMap((block) => block[1].trim().split("\n"));
    return lines.filter((line) => !line.startsWith("//")).map((line) => line.replace(/;$/, ""));
  }

  // Of each struct that is signed: its fields, and what the worked example has.
  examples() {
    const found = {};
    const blocks = this.between("<!-- examples", "<!-- end of examples -->").matchAll(
      /```text\ntype {2,}(\w+)\((.*?)\)\n(.*?)```/gs,
    );
    for (const [, name, fields, rest] of blocks) {
      const types = fields.split(",").map((field) => {
        const [type, fieldName] = field.split(" ");
        return { name: fieldName, type };
      });
      const values = Object.fromEntries(
        rest.trim().split("\n").map((line) => line.split(/ {2,}/)),
      );
      found[name] = { types, values };
    }
    return found;
  }

  separator() {
    return this.between("Domain separator:\n\n```text\n", "\n```");
  }

  // What the tables of "Who gets what" say, by their first column.
  endings() {
    const rows = {};
    const section = this.between("### Who gets what", "### Worked example");
    for (const line of section.split("\n").filter((one) => one.startsWith("|"))) {
      const [name, call, consumer, provider, burnt] = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      if (call === "Function" || name.startsWith("---")) continue;
      rows[name] = { consumer: formula(consumer), provider: formula(provider), burnt: formula(burnt) };
    }
    return rows;
  }
}

// `function deposit`, `constructor`: the kind of a declaration, and its name.
function named(line) {
  return line.split("(")[0];
}

// `R − C` or 2S, whatever is said after it.
function formula(cell) {
  return cell.match(/^`([^`]+)`/)?.[1] ?? (cell === "–" ? "0" : cell);
}

// The wei that a formula of the tables makes, with these amounts for its letters.
export function evaluate(text, amounts) {
  let sum = 0n;
  for (const [, sign, factor, letter] of text.replaceAll(" ", "").matchAll(/([+−]?)(\d*)([A-Z]?)/g)) {
    if (!factor && !letter) continue;
    if (letter && !(letter in amounts)) throw new Error(`the page has no ${letter}`);
    const amount = BigInt(factor || 1) * (letter ? amounts[letter] : 1n);
    sum += sign === "−" ? -amount : amount;
  }
  return sum;
}
