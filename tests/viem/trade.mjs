// A trade, step by step, as docs/protocol.md says what each step costs and emits.

import { concat, zeroAddress, zeroHash } from "viem";
import { accessToken, PEOPLE } from "./market.mjs";
import { evaluate } from "./page.mjs";

const ENERGY = 20_000;
const MAX_RATE = 300_000_000_000n;
export const RATE = 200_000_000_001n;
const BIDDING_TIME = 600n;
const VALIDITY = 7_200n;
const RECORD = `0x${"5a".repeat(32)}`;
const FOREVER = 2n ** 256n - 1n;
const HOW = { paid: 0, agreed: 1, short: 2, forfeited: 3, expired: 4 };

const [consumer, provider, rival] = ["consumer", "provider", "rival"].map((who) => PEOPLE[who].address);
const R = MAX_RATE * BigInt(ENERGY);

export class Trade {
  constructor(market, parameters, types, endings) {
    Object.assign(this, { market, parameters, types, endings });
    this.B = (R * BigInt(parameters.bondBps)) / 10_000n;
    this.P = (R * BigInt(parameters.penaltyBps)) / 10_000n;
    this.leader = zeroAddress;
    this.rate = 0n;
  }

  // What a row of the page's tables gives to whom; the row counts as played.
  row(name, { energy = 0, provider: who = "provider" } = {}) {
    const row = this.endings[name];
    if (!row) throw new Error(`docs/protocol.md has no ending "${name}"`);
    row.played = true;
    const missing = BigInt(ENERGY - energy);
    const S = (this.P * missing + BigInt(ENERGY) - 1n) / BigInt(ENERGY);
    const amounts = { R, B: this.B, P: this.P, C: this.rate * BigInt(energy), S };
    const gets = { consumer: evaluate(row.consumer, amounts), burnt: evaluate(row.burnt, amounts) };
    gets[who] = evaluate(row.provider, amounts);
    return { gets, S };
  }

  async start(openAward = false) {
    this.id = ((BigInt(consumer) << 32n) | BigInt(await this.round())) + 1n;
    const at = (await this.market.chain.now()) + 10n;
    this.closing = at + BIDDING_TIME;
    const terms = [ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, openAward, "car park"];
    await this.market.call("consumer", "startAuction", terms, {
      value: R,
      at,
      events: [
        { Deposited: { account: consumer, from: consumer, amount: R } },
        {
          AuctionStarted: {
            auctionId: this.id, consumer, energyWh: ENERGY, maxRate: MAX_RATE,
            closingTime: this.closing, validity: VALIDITY, openAward, details: "car park",
          },
        },
      ],
    });
    return this;
  }

  async round() {
    return (await this.market.view("currentAuctionId", consumer)) & 0xffffffffn;
  }

  // A bid in time to move no close. Its value is the bond.
  async bid(who = "provider", rate = RATE) {
    const bidder = PEOPLE[who].address;
    const terms = BigInt(ENERGY) | (MAX_RATE << 32n) | (VALIDITY << 96n);
    const overtaken = { [provider]: "provider", [rival]: "rival" }[this.leader];
    const again = this.leader === bidder;
    const value = again ? 0n : this.B;
    const deposited = { Deposited: { account: bidder, from: bidder, amount: value } };
    const placed = { auctionId: this.id, provider: bidder, rate, closingTime: this.closing };
    let gets = {};
    this.rate = rate;
    if (again) this.row("A leader lowers its own bid");
    else if (overtaken) gets = { [overtaken]: this.row("A leader is overtaken").gets.provider };
    await this.market.call(who, "placeBid", [this.id, rate, terms], {
      value, events: [...(again ? [] : [deposited]), { BidPlaced: placed }], gets,
    });
    this.leader = bidder;
    return this;
  }

  // A bid that the provider has signed, relayed by somebody who is nobody here.
  async relayedBid(rate = RATE) {
    const depositing = { Deposited: { account: provider, from: provider, amount: this.B } };
    await this.market.call("provider", "deposit", [], {
      value: this.B, events: [depositing], gets: { provider: this.B },
    });
    const signed = { auctionId: this.id, energyWh: BigInt(ENERGY), maxRate: MAX_RATE, validity: VALIDITY };
    const { revocations } = await this.market.view("evs", provider);
    const bid = { ...signed, rate, nonce: BigInt(revocations), deadline: FOREVER };
    const signature = await this.market.sign("provider", this.types, "Bid", bid);
    this.signedBid = [this.id, provider, rate, FOREVER, signature];
    await this.market.call("stranger", "placeBidFor", this.signedBid, {
      events: [{ BidPlaced: { auctionId: this.id, provider, rate, closingTime: this.closing } }],
      gets: { provider: -this.B },
    });
    [this.leader, this.rate] = [provider, rate];
    return this;
  }

  async removeBid() {
    const at = (await this.market.chain.now()) + 5n;
    this.closing = at + BIDDING_TIME;
    await this.market.call("provider", "removeBid", [this.id], {
      at,
      events: [{ BidRemoved: { auctionId: this.id, provider, penalty: this.P, closingTime: this.closing } }],
      gets: this.row("The leader removes its bid").gets,
    });
    this.removedAt = at;
    this.leader = zeroAddress;
    return this;
  }

  async cancel(row, { by = "consumer", penalty = 0n, at } = {}) {
    const cancelled = { auctionId: this.id, provider: this.leader, penalty };
    const who = this.leader === rival ? "rival" : "provider";
    await this.market.call(by, "cancelAuction", [this.id, penalty], {
      at, events: [{ AuctionCancelled: cancelled }], gets: this.row(row, { provider: who }).gets,
    });
  }

  async endWithoutBid() {
    await this.market.call("consumer", "endAuction", [this.id], {
      at: this.closing,
      events: [{ AuctionEnded: { auctionId: this.id, provider: zeroAddress, rate: 0n, cost: 0n } }],
      gets: this.row("Ended, no bid stands").gets,
    });
  }

  async award(by = "consumer") {
    const token = accessToken(consumer, this.leader, this.closing, VALIDITY);
    const cost = this.rate * BigInt(ENERGY);
    const ended = { auctionId: this.id, provider: this.leader, rate: this.rate, cost };
    const connected = { auctionId: this.id, provider: this.leader, consumer, token, validity: VALIDITY };
    this.connectedAt = await this.market.call(by, "endAuction", [this.id], {
      at: this.closing, events: [{ AuctionEnded: ended }, { Connected: connected }],
    });
    return this;
  }

  ended(how, energyWh, penalty, meterDataHash = zeroHash) {
    const cost = this.rate * BigInt(energyWh);
    const parties = { auctionId: this.id, consumer, provider: this.leader };
    return { ConnectionEnded: { ...parties, how: HOW[how], energyWh, cost, penalty, meterDataHash } };
  }

  async pay() {
    const { gets } = this.row("Paid in full", { energy: ENERGY });
    const counts = both({ completed: 1 });
    const events = [this.ended("paid", ENERGY, 0n)];
    await this.market.call("consumer", "endConnection", [this.id], { events, gets, counts });
  }

  // 65 bytes of who signs a reading, or 130 by a key that it has chosen for an auction.
  async signature(who, energy, last, { key = false, keyOf = this.id } = {}) {
    const reading = {
      auctionId: this.id, consumer, provider: this.leader, energyWh: BigInt(energy),
      meterDataHash: RECORD, last,
    };
    const signature = await this.market.sign(key ? "key" : who, this.types, "Reading", reading);
    if (!key) return signature;
    const chosen = { auctionId: keyOf, key: PEOPLE.key.address };
    return concat([signature, await this.market.sign(who, this.types, "SessionKey", chosen)]);
  }

  async settle(by, energy, last, signing = {}) {
    const signatures = [];
    for (const who of ["consumer", "provider"]) {
      signatures.push(by === who ? "0x" : await this.signature(who, energy, last, signing));
    }
    const clean = last || energy === ENERGY;
    const row = clean ? "Settled with the last reading, or with all" : "Settled short, with a running reading";
    const { gets, S } = this.row(row, { energy });
    const reading = { auctionId: this.id, energyWh: energy, meterDataHash: RECORD, last };
    const events = [this.ended(clean ? "agreed" : "short", energy, clean ? 0n : S, RECORD)];
    const counts = clean && energy > 0 ? both({ completed: 1 }) : {};
    await this.market.call(by, "settle", [reading, ...signatures], { events, gets, counts });
  }

  async forfeit() {
    const events = [this.ended("forfeited", 0, 2n * this.P)];
    const { gets } = this.row("Forfeited");
    await this.market.call("provider", "forfeit", [this.id], { events, gets });
  }

  async expire() {
    const at = this.connectedAt + VALIDITY + BigInt(this.parameters.settlementWindow);
    const events = [this.ended("expired", 0, this.P)];
    const { gets } = this.row("Expired");
    const counts = both({ noShows: 1 });
    await this.market.call("stranger", "expireConnection", [this.id], { at, events, gets, counts });
  }

  // All that is free leaves: what stays in the market is what was burnt.
  async leave() {
    for (const who of ["consumer", "provider", "rival"]) {
      const account = PEOPLE[who].address;
      const { balance: amount } = await this.market.view("evs", account);
      if (amount === 0n) continue;
      await this.market.call(who, "withdraw", [amount, account], {
        events: [{ Withdrawn: { account, to: account, amount } }],
        gets: { [who]: -amount }, paysOut: { [who]: amount },
      });
    }
    const { burnt, market } = await this.market.books();
    if (burnt.balance !== market.ether) throw new Error(`${market.ether} wei are left, ${burnt.balance} burnt`);
  }

  // What a connection refuses: too much, the wrong caller, a signature in another form, another auction's key.
  async refusals() {
    const alien = { key: true, keyOf: this.id + 1n };
    const reading = { auctionId: this.id, energyWh: ENERGY, meterDataHash: RECORD, last: false };
    const signature = await this.signature("consumer", ENERGY, false);
    const settle = [{ ...reading, energyWh: ENERGY + 1 }, await this.signature("consumer", ENERGY + 1, false), "0x"];
    await this.market.refused("provider", "settle", settle, "EnergyAboveContract", [BigInt(ENERGY + 1), BigInt(ENERGY)]);
    await this.market.refused("stranger", "endConnection", [this.id], "NotConsumer", [PEOPLE.stranger.address, consumer]);
    await this.market.refused("consumer", "forfeit", [this.id], "NotProvider", [consumer, provider]);
    await this.market.refused("provider", "settle", [reading, `${signature}00`, "0x"], "ECDSAInvalidSignatureLength", [66n]);
    // Whose signature it is over another auction's key is anybody.
    const byAlienKey = await this.signature("consumer", ENERGY, false, alien);
    await this.market.refused("provider", "settle", [reading, byAlienKey, "0x"], "WrongSigner", [consumer]);
    return this;
  }
}

function both(counts) {
  return { consumer: counts, provider: counts };
}

export { ENERGY, R };
