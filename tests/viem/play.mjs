// Plays a trade through every ending that docs/protocol.md has, and says which: node play.mjs PAGE
// ARTIFACT URL. It knows the page, and of the project's own only the compiled contract.

import { strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { domainSeparator, hashTypedData } from "viem";
import { Chain, Market, PEOPLE } from "./market.mjs";
import { Page } from "./page.mjs";
import { ENERGY, RATE, Trade } from "./trade.mjs";

const PARAMETERS = {
  bondBps: 10_000, penaltyBps: 1_000, minDecrementBps: 100, extensionWindow: 60,
  awardWindow: 3_600, settlementWindow: 86_400, minPenalty: 10_000_000_000_000n,
};
const AWARD_WINDOW = BigInt(PARAMETERS.awardWindow);
const HALF = ENERGY / 2 + 1;

const SCENARIOS = {
  "nobody bids, the consumer cancels": async (trade) => {
    await trade.start();
    await trade.cancel("Cancelled, no bid stands");
  },
  "nobody bids, the auction ends": async (trade) => {
    await trade.start();
    await trade.endWithoutBid();
  },
  "the consumer cancels": async (trade) => {
    await (await trade.start()).bid();
    const [none, cost] = [0n, trade.P];
    await trade.market.refused("consumer", "cancelAuction", [trade.id, none], "PenaltyAboveMaximum", [cost, none]);
    await trade.cancel("Cancelled, the leader is an EV", { penalty: trade.P });
  },
  "the consumer does not come to award": async (trade) => {
    await (await trade.start()).bid();
    const at = trade.closing + AWARD_WINDOW;
    await trade.cancel("Cancelled, the leader is an EV", { by: "stranger", penalty: trade.P, at });
  },
  "the leader is removed from the registry": async (trade) => {
    await (await trade.start()).bid();
    const ev = PEOPLE.provider.address;
    await trade.market.call("organization", "removeEV", [ev], { events: [{ EVRemoved: { ev } }] });
    await trade.cancel("Cancelled, the leader is no longer an EV");
  },
  "a bid is taken back, another comes, the consumer leaves": async (trade) => {
    await (await trade.start()).bid();
    await trade.removeBid();
    await trade.bid("rival");
    await trade.cancel("Cancelled within `extensionWindow` after a removal", { at: trade.removedAt + 59n });
  },
  "an open award that nobody makes": async (trade) => {
    await (await trade.start(true)).bid();
    const at = trade.closing + AWARD_WINDOW;
    await trade.cancel("Cancelled after the award window, with an open award", { by: "provider", at });
  },
  "paid in full, after bids that overtake and lower": async (trade) => {
    await trade.start();
    await trade.bid("rival", 2n * RATE / 2n + RATE / 4n);
    await trade.bid("provider", RATE + RATE / 8n);
    await trade.bid("provider", RATE);
    await (await trade.award()).refusals();
    await trade.pay();
    const state = [trade.id, 0, 2];
    await trade.market.refused("consumer", "endConnection", [trade.id], "UnexpectedState", state);
  },
  "agreed, by the consumer": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.settle("consumer", HALF, true);
  },
  "agreed on nothing, by the provider": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.settle("provider", 0, true);
  },
  "everything delivered, by keys, handed in by a stranger, after a signed bid and an open award":
    async (trade) => {
      await (await (await trade.start(true)).relayedBid()).award("stranger");
      await trade.settle("stranger", ENERGY, false, { key: true });
    },
  "broken off": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.settle("provider", HALF, false);
  },
  "broken off at once, by the consumer": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.settle("consumer", 0, false);
  },
  "forfeited": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.forfeit();
  },
  "expired": async (trade) => {
    await (await (await trade.start()).bid()).award();
    await trade.expire();
  },
};

// The page's numbers for everything that is signed.
async function examine(page) {
  const market = { chain: { id: 31337 }, address: "0x700b6A60ce7EaaEA56F065753d8dcB9653dbAD35" };
  const domain = { name: "V2VMarket", version: "1", chainId: 31337, verifyingContract: market.address };
  strictEqual(domainSeparator({ domain }), page.separator());
  const examples = page.examples();
  for (const [name, { types, values }] of Object.entries(examples)) {
    const message = Object.fromEntries(types.map(({ name: field, type }) => {
      const value = values[field];
      return [field, type === "bool" ? value === "true" : type.startsWith("uint") ? BigInt(value) : value];
    }));
    const typed = { domain, types: { [name]: types }, primaryType: name, message };
    strictEqual(hashTypedData(typed), values.digest, `digest of ${name}`);
    strictEqual(await PEOPLE.consumer.signTypedData(typed), values.signature, `signature of ${name}`);
  }
  return Object.fromEntries(Object.entries(examples).map(([name, { types }]) => [name, types]));
}

async function main(pageFile, artifactFile, url) {
  const page = new Page(pageFile);
  const types = await examine(page);
  const [abi, endings] = [page.abi(), page.endings()];
  const { deploymentBytecode } = JSON.parse(readFileSync(artifactFile, "utf8"));
  const chain = new Chain(url);
  const organization = PEOPLE.organization.address;
  const address = await chain.deploy(abi, deploymentBytecode.bytecode, [organization, PARAMETERS]);
  const market = new Market(chain, address, abi);
  const evs = ["consumer", "provider", "rival"].map((who) => PEOPLE[who].address);
  const added = evs.map((ev, index) => ({ EVAdded: { ev, infos: `EV ${index}` } }));
  const texts = evs.map((_, index) => `EV ${index}`);
  await market.call("organization", "addEVs", [evs, texts], { events: added });

  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    await chain.apart(async () => {
      const trade = new Trade(market, PARAMETERS, types, endings);
      try {
        await scenario(trade);
        await trade.leave();
      } catch (error) {
        error.message = `${name}: ${error.message}`;
        throw error;
      }
    });
  }
  const played = Object.keys(endings).filter((name) => endings[name].played);
  const missing = Object.keys(endings).filter((name) => !endings[name].played);
  const signed = Object.keys(types);
  console.log(JSON.stringify({ scenarios: Object.keys(SCENARIOS), played, missing, signed, calls: market.calls }));
}

await main(...process.argv.slice(2));
