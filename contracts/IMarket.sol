// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

/**
 * The public face of every V2V market, whatever its currency: its structs, events, errors and functions, in the order
 * of the rooms that implement them (contracts/market/). How money comes in is told in IV2VMarket.sol for a market in
 * ether and in IV2VTokenMarket.sol for one in a token. Beside it, a market has what OpenZeppelin's Ownable2Step and
 * EIP712 bring: the owner and its transfer in two steps, `eip712Domain`, and the errors of Ownable, ECDSA and of what
 * pays out.
 *
 * Units: energy is whole watt-hours (Wh), money is whole units of the currency, the smallest there are (wei in ether),
 * a rate is units per Wh, time is seconds since 1970, a share is basis points (bps, 1/10,000). A cost is
 * `rate * energyWh`: exact, never rounded.
 * Intervals are half-open: allowed while `t < end`, over once `t >= end`. Only a signature's deadline is inclusive.
 */

/// @notice Where the current auction of one consumer stands. `None`: it has none, or the id is not its current one.
enum State {
    None,
    Open,
    Connected
}

/// @notice How a connection ended.
enum Ending {
    /// The consumer paid all that was contracted.
    Paid,
    /// All was delivered, or both have signed the reading as the last one.
    Agreed,
    /// Less was delivered, and only a running reading was handed in.
    Short,
    /// The provider gave up.
    Forfeited,
    /// Nobody said anything in time.
    Expired
}

/// @notice The rules of one market, fixed when it is deployed.
struct Parameters {
    /// Provider's bond as a share of the reserve, bps. From 2 to 65,535.
    uint16 bondBps;
    /// What a broken promise costs, as a share of the reserve, bps. From 1 to the smaller of half `bondBps` and 10,000.
    uint16 penaltyBps;
    /// Share by which a bid must undercut the best one, bps, rounded up and at least 1 unit per Wh. At most 5,000.
    uint16 minDecrementBps;
    /// A bid this near the close moves the close to now + window, seconds; 0 is a hard close. At most 1 hour.
    uint32 extensionWindow;
    /// After the close, how long the consumer has to end the auction, seconds. From 10 minutes to 7 days.
    uint32 awardWindow;
    /// After the access token has expired, how long before anyone may expire the connection, seconds. As above.
    uint32 settlementWindow;
    /// The least that a penalty may be, units: an auction with less to lose is refused. From 1 to 10^18.
    uint64 minPenalty;
}

/// @notice What the market keeps of one account: exactly one storage slot.
struct Account {
    /// Free balance, units. Locked reserves and bonds are not in it.
    uint128 balance;
    /// When the organization registered the account as an EV; 0 when it is none.
    uint40 addedAt;
    /// Connections with energy delivered that both sides agreed on, in either role. Survives deregistration.
    uint40 completed;
    /// Connections that expired without a word, in either role. Survives deregistration.
    uint24 noShows;
    /// How often the account has revoked the bids that it had signed. Survives deregistration.
    uint24 revocations;
}

/// @notice What a meter has counted in a connection: the one statement of energy that is paid by.
// solhint-disable-next-line gas-struct-packing
struct Reading {
    uint256 auctionId;
    /// Delivered since the connection began, Wh, at most what was contracted.
    uint32 energyWh;
    /// Hash of the meter's record.
    bytes32 meterDataHash;
    /// Whether the two agree to end here. False while they charge.
    bool last;
}

/// @notice What there is to know about an auction.
struct AuctionInfo {
    State state;
    address consumer;
    /// Energy asked for, Wh.
    uint32 energyWh;
    /// The most that the consumer pays, units per Wh.
    uint64 maxRate;
    /// Bids are accepted before this moment.
    uint256 closingTime;
    /// How long the access token is valid from `connectedAt` on, seconds.
    uint256 validity;
    /// Whether anybody may end the auction after the close.
    bool openAward;
    /// Who made the standing bid; zero when no bid stands.
    address provider;
    /// The standing bid, units per Wh; zero when no bid stands.
    uint64 rate;
    /// When the consumer ended the auction; zero while it is open.
    uint256 connectedAt;
    /// Before this moment cancelling costs nothing, because a bid was removed; zero when none was, or once awarded.
    uint256 freeUntil;
    /// How many bids have been removed.
    uint256 removals;
}

/// @title Accounts: what the market knows of everybody
interface IAccounts {
    /// @notice `account` is not a registered EV.
    error NotEV(address account);

    /// @notice Whether `account` is a registered EV.
    function isEV(address account) external view returns (bool);

    /// @notice The market's record of an account. That of the zero address holds the burnt penalties.
    function evs(address account) external view returns (Account memory);
}

/// @title Registry: who may take part
interface IRegistry {
    /// @notice The organization has registered `ev`.
    event EVAdded(address indexed ev, string infos);
    /// @notice `ev` can start no more auctions and place no more bids.
    event EVRemoved(address indexed ev);
    /// @notice The market now admits new EVs and new auctions, or no longer does.
    event StatusChanged(bool active);

    /// @notice The organization has closed the market to new EVs and new auctions.
    error MarketClosed();
    /// @notice `account` is registered already.
    error AlreadyEV(address account);
    /// @notice `account` can never be an EV: it is the zero address or the market itself, and nobody holds its key.
    error InvalidEV(address account);
    /// @notice A batch needs as many notes as EVs.
    error BatchLengthMismatch(uint256 evs, uint256 infos);
    /// @notice Notes and details are limited to 512 bytes.
    error TextTooLong(uint256 length, uint256 maximum);
    /// @notice A market without an owner could never register anybody again.
    error OwnershipCannotBeRenounced();

    /// @notice Registers an EV. Owner only, while the market is active.
    /// @param ev The account that the EV signs with.
    /// @param infos Notes on the EV, public for ever: nothing personal.
    function addEV(address ev, string calldata infos) external;

    /// @notice Registers several EVs at once, all or none. Owner only, while the market is active.
    function addEVs(address[] calldata accounts, string[] calldata infos) external;

    /// @notice Ends an EV's right to start auctions and to bid. Owner only. Its balance, its running auction, its
    /// standing bids and its connections go on; a consumer may cancel free of charge while the leader is no EV.
    function removeEV(address ev) external;

    /// @notice Closes the market to new EVs and new auctions, or opens it again. Owner only. Running auctions, bids on
    /// them, connections and withdrawals go on.
    function setActive(bool active_) external;

    /// @notice `setActive`, to what it is not now. Owner only.
    function changeStatus() external;

    /// @notice How many EVs are registered.
    function numberOfEVs() external view returns (uint256);

    /// @notice Whether new EVs and new auctions are admitted.
    function active() external view returns (bool);
}

/// @title Ledger: balances, and the one way out
interface ILedger {
    /// @notice `from` has added `amount` to the balance of `account`, units.
    event Deposited(address indexed account, address indexed from, uint256 amount);
    /// @notice `account` has taken `amount` out of the market, to `to`, units.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Nothing to deposit or to withdraw.
    error ZeroAmount();
    /// @notice `account` has `balance` and needs `needed`.
    error BalanceTooLow(address account, uint256 balance, uint256 needed);
    /// @notice Nobody has the key of `to`.
    error InvalidReceiver(address to);

    /// @notice Pays out part of the caller's balance. Anyone, at any time.
    /// @param amount Units, from 1 to the caller's balance.
    /// @param to Who is paid; for an account that cannot take the currency, one that can.
    function withdraw(uint256 amount, address to) external;
}

/// @title Auction: from the consumer's request to the award
/// @dev `auctionId = uint256(uint160(consumer)) << 32 | round`: no id is ever used twice.
interface IAuction {
    /// @notice `consumer` asks for energy, and has locked `maxRate * energyWh` for it.
    event AuctionStarted(
        uint256 indexed auctionId,
        address indexed consumer,
        uint32 energyWh,
        uint64 maxRate,
        uint256 closingTime,
        uint256 validity,
        bool openAward,
        string details
    );
    /// @notice `provider` leads at `rate`; bids are accepted before `closingTime`.
    event BidPlaced(uint256 indexed auctionId, address indexed provider, uint64 rate, uint256 closingTime);
    /// @notice The auction is over; `provider`, zero when no bid stood, was paid `penalty`.
    event AuctionCancelled(uint256 indexed auctionId, address indexed provider, uint256 penalty);
    /// @notice The auction is over; `provider` is zero when nobody bid.
    event AuctionEnded(uint256 indexed auctionId, address indexed provider, uint64 rate, uint256 cost);

    /// @notice The auction is in state `actual`; the call needs `expected`.
    error UnexpectedState(uint256 auctionId, State actual, State expected);
    /// @notice An auction needs at least 1 Wh.
    error ZeroEnergy();
    /// @notice A rate is at least 1 unit per Wh.
    error ZeroRate();
    /// @notice Bidding time is from 1 second to `maximum`.
    error BiddingTimeOutOfRange(uint256 biddingTime, uint256 maximum);
    /// @notice Validity is from 1 second to `maximum`.
    error ValidityOutOfRange(uint256 validity, uint256 maximum);
    /// @notice Bidding is over since `closingTime`.
    error BiddingClosed(uint256 closingTime, uint256 timestamp);
    /// @notice Bidding goes on until `closingTime`.
    error BiddingOpen(uint256 closingTime, uint256 timestamp);
    /// @notice The standing bid could be accepted before `deadline`; now anyone may cancel the auction.
    error AwardWindowPassed(uint256 deadline, uint256 timestamp);
    /// @notice Only the consumer of this auction may do this.
    error NotConsumer(address account, address consumer);
    /// @notice Before `deadline` only the consumer may cancel.
    error OnlyConsumerUntil(address account, address consumer, uint256 deadline);
    /// @notice A consumer cannot provide in its own auction.
    error OwnAuction(uint256 auctionId);
    /// @notice Cancelling costs `penalty`, more than the caller allows.
    error PenaltyAboveMaximum(uint256 penalty, uint256 maximum);

    /// @notice Starts an auction for energy and locks the reserve, `maxRate * energyWh`, out of the caller's balance,
    /// to which the value of the call is added first. Registered EVs, one auction at a time, in an active market.
    /// @param energyWh Energy wanted, Wh, at least 1.
    /// @param maxRate The most the caller would pay, units per Wh, at least 1.
    /// @param biddingTime Seconds until the close, from 1 to 7 days.
    /// @param validity Seconds for which the access token will be valid, from 1 to 7 days.
    /// @param openAward Whether anybody may end the auction after the close, so that the caller need not come back.
    /// @param details Place, connector, power, time: whatever providers filter by. Public for ever.
    /// @return auctionId The id that every later call names.
    function startAuction(
        uint32 energyWh,
        uint64 maxRate,
        uint256 biddingTime,
        uint256 validity,
        bool openAward,
        string calldata details
    ) external payable returns (uint256 auctionId);

    /// @notice Cancels an open auction: the consumer at any time, anyone once the award window has passed. Costs the
    /// consumer the penalty, paid to the leading provider. Free when no bid stands, its maker is no longer an EV, a bid
    /// was removed less than `extensionWindow` ago, or the window has passed of an auction with an open award.
    /// @param maxPenalty The most the caller agrees to have the consumer pay, units.
    function cancelAuction(uint256 auctionId, uint256 maxPenalty) external;

    /// @notice Ends an auction, from the close on: its consumer, or anybody if the award is open. Without a bid
    /// everything is returned. With one, it is accepted if the award window has not passed: the two EVs are connected
    /// and the access token is issued.
    function endAuction(uint256 auctionId) external;

    /// @notice Id of the last auction that `consumer` started; of round 0, which never exists, when there was none.
    function currentAuctionId(address consumer) external view returns (uint256 auctionId);

    /// @notice An auction's terms and standing. All zero when it is over, and for an id that is not its consumer's
    /// current round.
    function auctions(uint256 auctionId) external view returns (AuctionInfo memory);

    /// @notice What the consumer has locked, units: the most that the energy can cost. Zero when the auction is over.
    function reserve(uint256 auctionId) external view returns (uint256);

    /// @notice What the leading provider has locked, or the next one would have to, units. Zero when it is over.
    function bond(uint256 auctionId) external view returns (uint256);

    /// @notice What a broken promise costs in this auction, units. Zero when the auction is over.
    function penalty(uint256 auctionId) external view returns (uint256);
}

/// @title Open bidding: providers underbid each other in public
interface IOpenBidding {
    /// @notice `provider` has taken its bid back and paid `penalty`; bidding goes on from the maximum.
    event BidRemoved(uint256 indexed auctionId, address indexed provider, uint256 penalty, uint256 closingTime);

    /// @notice What `provider` signed before, it no longer stands by.
    event BidsRevoked(address indexed provider);

    /// @notice The highest rate that is accepted now is `highest`.
    error RateTooHigh(uint256 rate, uint256 highest);
    /// @notice The bid was made for other terms than the auction's, which are `actual`.
    error UnexpectedTerms(uint256 terms, uint256 actual);
    /// @notice Bids have been removed from this auction `maximum` times.
    error TooManyRemovals(uint256 maximum);

    /// @notice Bids to deliver the energy at `rate` and locks the bond out of the caller's balance, to which the value
    /// of the call is added first. The overtaken provider's bond is back in its balance at once. A leader may lower its
    /// own bid; its bond stays where it is. Registered EVs other than the consumer, before the close.
    /// @param rate Wei per Wh: at most `maxRate` for a first bid, then lower than the best by the minimum decrement.
    /// @param terms What the bid is for: `energyWh | maxRate << 32 | validity << 96` of the auction.
    function placeBid(uint256 auctionId, uint64 rate, uint256 terms) external payable;

    /// @notice Places a bid that `provider` has signed, at its own charge: anyone may relay it.
    /// @param deadline The last second in which the signature is valid.
    /// @param signature The provider's, over `Bid(auctionId, energyWh, maxRate, validity, rate, nonce, deadline)` with
    /// the auction's terms; nonce is its `removals` and the provider's `revocations`, added. 65 bytes.
    function placeBidFor(uint256 auctionId, address provider, uint64 rate, uint256 deadline, bytes calldata signature)
        external;

    /// @notice Voids every bid that the caller has signed and nobody has placed, in all auctions. What stands, stands.
    function revokeBids() external;

    /// @notice Takes back the standing bid. Costs its maker the penalty, paid to the consumer. Bidding starts again
    /// from `maxRate`, for at least the auction's bidding time. The leading provider, before the close.
    function removeBid(uint256 auctionId) external;
}

/// @title Connection: from the award to the payment
interface IConnection {
    /// @notice The two EVs may meet: `token` identifies their connection for `validity` seconds.
    event Connected(
        uint256 indexed auctionId, address indexed provider, address indexed consumer, bytes32 token, uint256 validity
    );
    /// @notice The connection is over, and both sides are free. `provider` was paid `cost` for `energyWh`. `penalty`,
    /// units, is what each side has lost, burnt; when the provider forfeited, what it has paid to the consumer.
    event ConnectionEnded(
        uint256 indexed auctionId,
        address indexed consumer,
        address indexed provider,
        Ending how,
        uint32 energyWh,
        uint256 cost,
        uint256 penalty,
        bytes32 meterDataHash
    );

    /// @notice Only the provider of this connection may do this.
    error NotProvider(address account, address provider);
    /// @notice More energy than was contracted is not paid.
    error EnergyAboveContract(uint256 energyWh, uint256 contracted);
    /// @notice The connection can be expired from `expiry` on.
    error ConnectionNotExpired(uint256 expiry, uint256 timestamp);

    /// @notice The access token of a connection, `keccak256(abi.encode(consumer, provider, connectedAt, validity))`.
    /// An identifier, not a secret. Reverts unless that very auction is connected.
    function accessToken(uint256 auctionId) external view returns (bytes32 token);

    /// @notice Pays the whole contracted energy and frees both sides. The consumer.
    function endConnection(uint256 auctionId) external;

    /// @notice Pays by a reading that both sides consent to, each by signing it or by making the call. Anyone, until
    /// the connection ends in another way. If both consent to it as the last one, or all was delivered, both sides are
    /// free. Else somebody has stopped on the way: both lose the penalty times the share of the energy that is missing,
    /// rounded up, and it is burnt.
    /// @param reading What was delivered.
    /// @param consumerSignature Over `Reading`, 65 bytes, or 130: that of a key, then the consumer's over
    /// `SessionKey(auctionId, key)`. Not looked at when the consumer calls.
    /// @param providerSignature The same of the provider.
    function settle(Reading calldata reading, bytes calldata consumerSignature, bytes calldata providerSignature)
        external;

    /// @notice Admits that the energy cannot be delivered: twice the penalty goes to the consumer. The provider.
    function forfeit(uint256 auctionId) external;

    /// @notice Ends a connection that nobody settled, from `connectedAt + validity + settlementWindow` on. Anyone.
    /// Both sides are refunded less one penalty each, which is burnt.
    function expireConnection(uint256 auctionId) external;
}

/// @title Signatures: what the EVs sign, as EIP-712 typed data (domain `V2VMarket`, version `1`; docs/protocol.md)
interface ISignatures {
    /// @notice The signature is valid up to and including `deadline`.
    error SignatureExpired(uint256 deadline, uint256 timestamp);
    /// @notice The signature must be `expected`'s; it is `signer`'s, or is over something else.
    error WrongSigner(address expected, address signer);
}

/// @title Rules: the parameters of one market
interface IRules {
    /// @notice The constructor refuses a parameter outside `minimum` … `maximum`.
    error ParameterOutOfRange(string name, uint256 value, uint256 minimum, uint256 maximum);
    /// @notice So little is at stake that breaking the deal costs `penalty` only.
    error PenaltyTooLow(uint256 penalty, uint256 minimum);

    /// @notice The rules of this market; they never change.
    function parameters() external view returns (Parameters memory);
}

/// @title V2V market: a reverse auction for energy between electric vehicles, in any currency
/// @notice The organization that owns a market decides who may take part. It cannot touch a running auction, a
/// connection or anybody's money.
interface IMarket is IAccounts, IRegistry, ILedger, IRules, IAuction, ISignatures, IConnection, IOpenBidding {}
