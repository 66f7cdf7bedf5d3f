// Plays a trade in a stablecoin by signatures, which somebody else sends; only the start is sent by who
// wants it: node token.mjs PAGE TOKEN ARTIFACT URL. Of the market it knows the page, of the token its ABI.

import { deepStrictEqual, strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { BaseError, ContractFunctionRevertedError, decodeEventLog, parseSignature } from "viem";
import { accessToken, Chain, PEOPLE } from "./market.mjs";
import { Page } from "./page.mjs";

const PARAMETERS = {
  bondBps: 10_000, penaltyBps: 1_000, minDecrementBps: 100, extensionWindow: 60,
  awardWindow: 3_600, settlementWindow: 86_400, minPenalty: 10_000n,
};
const [ENERGY, DELIVERED, MAX_RATE, RATE] = [20_000, 18_400, 590n, 400n]; // 0.59 and 0.40 a kWh
const [MONEY, BIDDING_TIME, VALIDITY] = [50_000_000n, 600n, 7_200n];
const RECORD = `0x${"5a".repeat(32)}`;
const FOREVER = 2n ** 48n;
const AUTHORIZATION = [
  ["from", "address"], ["to", "address"], ["value", "uint256"],
  ["validAfter", "uint256"], ["validBefore", "uint256"], ["nonce", "bytes32"],
].map(([name, type]) => ({ name, type }));

class TokenTrade {
  constructor(chain, market, token, types) {
    Object.assign(this, { chain, market, token, types });
    this.sent = 0;
  }

  view(contract, functionName, ...args) {
    return this.chain.reader.readContract({ ...contract, functionName, args });
  }

  // Somebody sends a call; the market's events, in order, have to be these.
  async send(who, contract, functionName, args, events, at) {
    if (at !== undefined) await this.chain.node.setNextBlockTimestamp({ timestamp: at });
    const hash = await this.chain.wallet.writeContract({
      ...contract, functionName, args, account: PEOPLE[who], gas: 500_000n,
    });
    const receipt = await this.chain.reader.waitForTransactionReceipt({ hash });
    strictEqual(receipt.status, "success", `${functionName} by the ${who}`);
    const ours = receipt.logs.filter((log) => log.address === this.market.address.toLowerCase());
    const decoded = ours.map((log) => {
      const { eventName, args: values } = decodeEventLog({ abi: this.market.abi, ...log });
      return { [eventName]: values };
    });
    if (events) deepStrictEqual(decoded, events, functionName);
    this.sent += 1;
    return (await this.chain.reader.getBlock({ blockNumber: receipt.blockNumber })).timestamp;
  }

  async refused(functionName, args, errorName, abi = this.market.abi) {
    try {
      const { address } = this.market;
      await this.chain.reader.simulateContract({
        address, abi: [...this.market.abi, ...abi], functionName, args, account: PEOPLE.stranger,
      });
    } catch (error) {
      const cause = error instanceof BaseError && error.walk((one) => one instanceof ContractFunctionRevertedError);
      strictEqual(cause?.data?.errorName, errorName);
      return;
    }
    throw new Error(`${functionName} was not refused`);
  }

  // What the market says of itself, as a wallet reads it.
  async domain({ address, abi }) {
    const [, name, version, chainId, verifyingContract] = await this.view({ address, abi }, "eip712Domain");
    strictEqual(verifyingContract.toLowerCase(), address.toLowerCase());
    return { name, version, chainId, verifyingContract };
  }

  async sign(who, contract, name, types, message) {
    const domain = await this.domain(contract);
    return PEOPLE[who].signTypedData({ domain, types: { [name]: types }, primaryType: name, message });
  }

  // Money comes in by a signature for the token that somebody else sends.
  async deposit(who) {
    const from = PEOPLE[who].address;
    const nonce = `0x${from.slice(2).padStart(64, "0")}`;
    const message = { from, to: this.market.address, value: MONEY, validAfter: 0n, validBefore: FOREVER, nonce };
    const signed = await this.sign(who, this.token, "ReceiveWithAuthorization", AUTHORIZATION, message);
    const { r, s, yParity } = parseSignature(signed);
    const args = [from, MONEY, 0n, FOREVER, nonce, 27 + yParity, r, s];
    await this.send("stranger", this.market, "depositWithAuthorization", args, [
      { Deposited: { account: from, from, amount: MONEY } },
    ]);
    await this.refused("depositWithAuthorization", args, "ERC3009UsedAuthorization", this.token.abi);
  }

  async withdraw(who) {
    const account = PEOPLE[who].address;
    const { balance: amount, revocations } = await this.view(this.market, "evs", account);
    const message = { amount, to: account, nonce: BigInt(revocations), deadline: FOREVER };
    const signed = await this.sign(who, this.market, "Withdrawal", this.types.Withdrawal, message);
    const args = [account, amount, account, FOREVER, signed];
    await this.send("stranger", this.market, "withdrawFor", args, [
      { BidsRevoked: { provider: account } },
      { Withdrawn: { account, to: account, amount } },
    ]);
    await this.refused("withdrawFor", args, "WrongSigner");
    return amount;
  }

  // The one transaction that the consumer sends by itself; all else is signed.
  async start() {
    const consumer = PEOPLE.consumer.address;
    const args = [ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, true, "car park"];
    const at = await this.send("consumer", this.market, "startAuction", args);
    this.id = await this.view(this.market, "currentAuctionId", consumer);
    this.closing = at + BIDDING_TIME;
  }

  async bid() {
    const provider = PEOPLE.provider.address;
    const { revocations } = await this.view(this.market, "evs", provider);
    const message = {
      auctionId: this.id, energyWh: ENERGY, maxRate: MAX_RATE, validity: VALIDITY,
      rate: RATE, nonce: BigInt(revocations), deadline: FOREVER,
    };
    const signed = await this.sign("provider", this.market, "Bid", this.types.Bid, message);
    await this.send("stranger", this.market, "placeBidFor", [this.id, provider, RATE, FOREVER, signed], [
      { BidPlaced: { auctionId: this.id, provider, rate: RATE, closingTime: this.closing } },
    ]);
  }

  async award() {
    const [consumer, provider] = [PEOPLE.consumer.address, PEOPLE.provider.address];
    const token = accessToken(consumer, provider, this.closing, VALIDITY);
    const cost = RATE * BigInt(ENERGY);
    await this.send("stranger", this.market, "endAuction", [this.id], [
      { AuctionEnded: { auctionId: this.id, provider, rate: RATE, cost } },
      { Connected: { auctionId: this.id, provider, consumer, token, validity: VALIDITY } },
    ], this.closing);
  }

  async settle() {
    const [consumer, provider] = [PEOPLE.consumer.address, PEOPLE.provider.address];
    const message = {
      auctionId: this.id, consumer, provider, energyWh: DELIVERED, meterDataHash: RECORD, last: true,
    };
    const both = await Promise.all(
      ["consumer", "provider"].map((who) => this.sign(who, this.market, "Reading", this.types.Reading, message)),
    );
    const reading = { auctionId: this.id, energyWh: DELIVERED, meterDataHash: RECORD, last: true };
    const cost = RATE * BigInt(DELIVERED);
    await this.send("stranger", this.market, "settle", [reading, ...both], [
      {
        ConnectionEnded: {
          auctionId: this.id, consumer, provider, how: 1, energyWh: DELIVERED, cost, penalty: 0n, meterDataHash: RECORD,
        },
      },
    ]);
    return cost;
  }
}

async function main(pageFile, tokenFile, artifactFile, url) {
  const page = new Page(pageFile);
  const types = Object.fromEntries(Object.entries(page.examples()).map(([name, { types: fields }]) => [name, fields]));
  const chain = new Chain(url);
  const stablecoin = JSON.parse(readFileSync(tokenFile, "utf8"));
  const code = JSON.parse(readFileSync(artifactFile, "utf8")).deploymentBytecode.bytecode;
  const token = { abi: stablecoin.abi };
  token.address = await chain.deploy(token.abi, stablecoin.deploymentBytecode.bytecode, []);
  const market = { abi: page.tokenAbi() };
  const organization = PEOPLE.organization.address;
  market.address = await chain.deploy(market.abi, code, [organization, PARAMETERS, token.address]);
  const trade = new TokenTrade(chain, market, token, types);
  strictEqual((await trade.view(market, "currency")).toLowerCase(), token.address.toLowerCase());
  const evs = ["consumer", "provider"].map((who) => PEOPLE[who].address);
  await trade.send("organization", market, "addEVs", [evs, ["", ""]]);
  for (const ev of evs) await trade.send("organization", token, "mint", [ev, MONEY]);

  for (const who of ["consumer", "provider"]) await trade.deposit(who);
  await trade.start();
  await trade.bid();
  await trade.award();
  const cost = await trade.settle();
  const out = { consumer: await trade.withdraw("consumer"), provider: await trade.withdraw("provider") };

  deepStrictEqual(out, { consumer: MONEY - cost, provider: MONEY + cost });
  for (const who of ["consumer", "provider"]) {
    strictEqual(await trade.view(token, "balanceOf", PEOPLE[who].address), out[who]);
  }
  strictEqual(await trade.view(token, "balanceOf", market.address), 0n);
  const sentByProvider = await chain.reader.getTransactionCount({ address: PEOPLE.provider.address });
  console.log(JSON.stringify({ sent: trade.sent, cost: String(cost), sentByProvider }));
}

await main(...process.argv.slice(2));
