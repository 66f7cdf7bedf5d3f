// A market on a chain, and books of everybody's money beside it: each call has to move exactly what
// is expected, and to emit exactly the events that are.

import { deepStrictEqual, strictEqual } from "node:assert";
import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  decodeEventLog,
  defineChain,
  encodeAbiParameters,
  http,
  keccak256,
  BaseError,
  ContractFunctionRevertedError,
  zeroAddress,
} from "viem";
import { mnemonicToAccount } from "viem/accounts";

export const MNEMONIC = "test test test test test test test test test test test junk";
export const PEOPLE = Object.fromEntries(
  ["organization", "consumer", "provider", "rival", "stranger", "key"].map((name, index) => [
    name,
    mnemonicToAccount(MNEMONIC, { addressIndex: index }),
  ]),
);

export class Chain {
  constructor(url) {
    const chain = defineChain({
      id: 31337,
      name: "local",
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [url] } },
    });
    const options = { chain, transport: http(url), pollingInterval: 10, cacheTime: 0 };
    this.id = chain.id;
    this.reader = createPublicClient(options);
    this.wallet = createWalletClient(options);
    this.node = createTestClient({ ...options, mode: "anvil" });
  }

  async now() {
    return (await this.reader.getBlock()).timestamp;
  }

  // Do something, and put the chain back.
  async apart(todo) {
    const id = await this.node.snapshot();
    try {
      return await todo();
    } finally {
      await this.node.revert({ id });
    }
  }

  async deploy(abi, bytecode, args, account = PEOPLE.organization) {
    const hash = await this.wallet.deployContract({ abi, bytecode, args, account });
    return (await this.reader.waitForTransactionReceipt({ hash })).contractAddress;
  }
}

export class Market {
  constructor(chain, address, abi) {
    Object.assign(this, { chain, address, abi });
    this.accounts = { ...Object.fromEntries(names()), burnt: zeroAddress };
    this.calls = 0;
  }

  view(functionName, ...args) {
    return this.chain.reader.readContract({ address: this.address, abi: this.abi, functionName, args });
  }

  // What everybody has, inside and outside, and the counts on record.
  async books() {
    const entries = Object.entries(this.accounts).map(async ([name, address]) => {
      const { balance, completed, noShows } = await this.view("evs", address);
      const wallet = await this.chain.reader.getBalance({ address });
      return [name, { balance, completed, noShows, wallet }];
    });
    const ether = await this.chain.reader.getBalance({ address: this.address });
    return { ...Object.fromEntries(await Promise.all(entries)), market: { ether } };
  }

  // Call a function; `expected` has the events, in order, and by name what each balance gets.
  async call(who, functionName, args, { value = 0n, at, events, gets = {}, counts = {}, paysOut = {} }) {
    const before = await this.books();
    if (at !== undefined) await this.chain.node.setNextBlockTimestamp({ timestamp: at });
    const account = PEOPLE[who];
    const { address, abi } = this;
    const hash = await this.chain.wallet.writeContract({
      address, abi, functionName, args, value, account, gas: 500_000n,
    });
    const receipt = await this.chain.reader.waitForTransactionReceipt({ hash });
    strictEqual(receipt.status, "success", `${functionName} by the ${who}`);
    deepStrictEqual(receipt.logs.map((log) => this.decoded(log)), events, functionName);

    const after = await this.books();
    const fee = receipt.gasUsed * receipt.effectiveGasPrice;
    for (const [name, had] of Object.entries(before)) {
      if (name === "market") continue;
      const spent = name === who ? value + fee : 0n;
      const counted = counts[name] ?? {};
      const expected = {
        balance: had.balance + (gets[name] ?? 0n),
        completed: had.completed + (counted.completed ?? 0),
        noShows: had.noShows + (counted.noShows ?? 0),
        wallet: had.wallet - spent + (paysOut[name] ?? 0n),
      };
      // Whom the blocks' fees go to is not among them, and nobody has the zero address.
      if (name === "burnt") expected.wallet = after.burnt.wallet;
      deepStrictEqual(after[name], expected, `${functionName}: the books of the ${name}`);
    }
    const out = Object.values(paysOut).reduce((sum, one) => sum + one, 0n);
    strictEqual(after.market.ether, before.market.ether + value - out, "the market's ether");
    this.calls += 1;
    return (await this.chain.reader.getBlock({ blockNumber: receipt.blockNumber })).timestamp;
  }

  // A call that has to be refused, with exactly this error; of `errorArgs` only those that are given.
  async refused(who, functionName, args, errorName, errorArgs) {
    const { address, abi } = this;
    try {
      await this.chain.reader.simulateContract({
        address, abi, functionName, args, account: PEOPLE[who],
      });
    } catch (error) {
      const reverted = (one) => one instanceof ContractFunctionRevertedError;
      const cause = error instanceof BaseError && error.walk(reverted);
      if (!cause) throw error;
      const said = cause.data?.args ?? [];
      deepStrictEqual([cause.data?.errorName, said.slice(0, errorArgs.length)], [errorName, errorArgs]);
      this.calls += 1;
      return;
    }
    throw new Error(`${functionName} by the ${who} was not refused`);
  }

  decoded(log) {
    strictEqual(log.address.toLowerCase(), this.address.toLowerCase());
    const { eventName, args } = decodeEventLog({ abi: this.abi, ...log, strict: true });
    return { [eventName]: args };
  }

  sign(who, types, name, message) {
    const domain = {
      name: "V2VMarket", version: "1", chainId: this.chain.id, verifyingContract: this.address,
    };
    const primaryType = name;
    return PEOPLE[who].signTypedData({ domain, types: { [name]: types[name] }, primaryType, message });
  }
}

export function accessToken(consumer, provider, connectedAt, validity) {
  const types = ["address", "address", "uint256", "uint256"].map((type) => ({ type }));
  return keccak256(encodeAbiParameters(types, [consumer, provider, connectedAt, validity]));
}

function names() {
  return Object.entries(PEOPLE).map(([name, account]) => [name, account.address]);
}
