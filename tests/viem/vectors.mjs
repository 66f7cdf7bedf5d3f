// Does what docs/vectors.json has, on a chain, and says how much: node vectors.mjs PAGE VECTORS
// ARTIFACT URL. What is signed is made again, and every call has to come out as it stands there.

import { deepStrictEqual, strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { decodeErrorResult, encodeFunctionData, getAbiItem, hashTypedData, zeroAddress } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { Chain, Market, MNEMONIC } from "./market.mjs";
import { Page } from "./page.mjs";

// As the file has it: whole numbers are decimal texts.
function told(value) {
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(told);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, told(one)]));
}

// The other way, as the type says.
function read({ type, components }, value) {
  if (type.endsWith("[]")) return value.map((one) => read({ type: type.slice(0, -2), components }, one));
  if (components) return Object.fromEntries(components.map((one) => [one.name, read(one, value[one.name])]));
  return type.startsWith("uint") ? BigInt(value) : value;
}

class Player {
  constructor(file, market, url) {
    Object.assign(this, { file, market, url });
    this.accounts = Object.fromEntries(
      Object.entries(file.accounts).map(([name, { path }]) => [
        name, mnemonicToAccount(MNEMONIC, { path }),
      ]),
    );
    this.steps = 0;
  }

  async documents() {
    const { file, market } = this;
    const domain = {
      name: "V2VMarket", version: "1", chainId: Number(file.chainId), verifyingContract: market.address,
    };
    for (const { struct, fields, message, digest, signedBy, signature } of file.documents) {
      const values = Object.fromEntries(fields.map((one) => [one.name, read(one, message[one.name])]));
      const typed = { domain, types: { [struct]: fields }, primaryType: struct, message: values };
      strictEqual(hashTypedData(typed), digest, `digest of ${struct}`);
      strictEqual(await this.accounts[signedBy].signTypedData(typed), signature, `signature of ${struct}`);
    }
  }

  async step({ at, from, call: functionName, arguments: named, value, events, refused, balances, ether }) {
    const { abi, address, chain } = this.market;
    const { inputs } = getAbiItem({ abi, name: functionName });
    const args = inputs.map((one) => read(one, named[one.name]));
    if (refused) {
      const data = encodeFunctionData({ abi, functionName, args });
      deepStrictEqual(await this.refusal(from, data, value, at), refused, functionName);
    } else {
      await chain.node.setNextBlockTimestamp({ timestamp: BigInt(at) });
      const hash = await chain.wallet.writeContract({
        address, abi, functionName, args, value: BigInt(value), account: this.accounts[from], gas: 500_000n,
      });
      const receipt = await chain.reader.waitForTransactionReceipt({ hash });
      strictEqual(receipt.status, "success", `${functionName} by the ${from}`);
      const found = receipt.logs.map((log) => this.market.decoded(log)).map((log) => {
        const [[name, values]] = Object.entries(log);
        return { name, arguments: told(values) };
      });
      deepStrictEqual(found, events, functionName);
    }
    for (const [who, balance] of Object.entries(balances)) {
      const account = this.accounts[who]?.address ?? zeroAddress;
      strictEqual(String((await this.market.view("evs", account)).balance), balance, `${functionName}: ${who}`);
    }
    strictEqual(String(await chain.reader.getBalance({ address })), ether, `${functionName}: the market's ether`);
    this.steps += 1;
  }

  // What a call would be refused with, in a block of that second.
  async refusal(from, data, value, at) {
    const { abi, address } = this.market;
    const call = { from: this.accounts[from].address, to: address, data, value: hex(value) };
    const body = { jsonrpc: "2.0", id: 1, method: "eth_call", params: [call, "latest", {}, { time: hex(at) }] };
    const headers = { "content-type": "application/json" };
    const answer = await fetch(this.url, { method: "POST", headers, body: JSON.stringify(body) });
    const { error } = await answer.json();
    if (!error) return undefined;
    const { abiItem, errorName, args } = decodeErrorResult({ abi, data: error.data });
    const values = abiItem.inputs.map((one, index) => [one.name, told(args[index])]);
    return { name: errorName, arguments: Object.fromEntries(values) };
  }
}

const hex = (number) => `0x${BigInt(number).toString(16)}`;

async function main(pageFile, vectorsFile, artifactFile, url) {
  const abi = new Page(pageFile).abi();
  const file = JSON.parse(readFileSync(vectorsFile, "utf8"));
  const { deploymentBytecode } = JSON.parse(readFileSync(artifactFile, "utf8"));
  const chain = new Chain(url);
  const { organization, deployer } = file.accounts;
  const account = mnemonicToAccount(MNEMONIC, { path: deployer.path });
  const parameters = { ...file.parameters, minPenalty: BigInt(file.parameters.minPenalty) };
  const args = [organization.address, parameters];
  const address = await chain.deploy(abi, deploymentBytecode.bytecode, args, account);
  strictEqual(address.toLowerCase(), file.market.toLowerCase(), "the market's address");

  const player = new Player(file, new Market(chain, file.market, abi), url);
  await player.documents();
  for (const trade of file.trades) {
    await chain.apart(async () => {
      for (const step of trade.steps) {
        try {
          await player.step(step);
        } catch (error) {
          error.message = `${trade.name}: ${error.message}`;
          throw error;
        }
      }
    });
  }
  const said = { documents: file.documents.length, trades: file.trades.length, steps: player.steps };
  console.log(JSON.stringify(said));
}

await main(...process.argv.slice(2));
