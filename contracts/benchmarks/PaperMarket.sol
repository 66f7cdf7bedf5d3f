// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

/* solhint-disable func-name-mixedcase, var-name-mixedcase, gas-custom-errors, reason-string, gas-struct-packing */

/// @title The paper's own market, rebuilt from its text: a baseline to measure against. NOBODY SHOULD DEPLOY IT.
/// @notice It has the paper's weaknesses on purpose: a receiver that refuses ether blocks everybody else, a consumer
/// that never ends the connection keeps the provider's money, the organization can strand both.
/// @dev "Blockchain-based Reverse Auction for V2V charging in smart grid environment" (Abou El Houda, Hafid, Khoukhi).
/// Functions, and what it names of the storage, carry the paper's names. Written as plainly as its listings: no trick
/// saves gas, none wastes it, and money comes out right. Where the paper is silent, the reading is the one whose cost
/// at the prices of 2020 comes nearest to its Table II; each is marked "Reading".
contract PaperMarket {
    /// Algorithm 1: EV(EV.EOA, EV.Infos, now, length-1). Reading: one slot, and the notes in the event only. The
    /// published 76,821 gas pay for two new slots, of which the list takes one.
    struct EV {
        address EOA;
        uint48 addedAt;
        uint48 index;
    }

    /// Algorithm 2: Bids[msg.sender] with status, closingTime and lowestBid; Fig. 2: amount, start price, and the
    /// address that "is hold in the bid".
    struct Bid {
        bool status;
        uint256 closingTime;
        uint256 amount;
        uint256 startPrice;
        uint256 lowestBid;
        address lowestBidder;
    }

    /// Algorithm 2: EVC[msg.sender].deposit and .token.
    struct Consumer {
        uint256 deposit;
        bytes32 token;
    }

    /// Reading: the published 165,107 gas of a bid pay for seven new slots. Bids has two of them; the other five are
    /// a record of the bid in the manner of Algorithm 1.
    struct Provider {
        address EOA;
        uint256 amount;
        uint256 rate;
        uint256 deposit;
        uint256 bidAt;
    }

    event EVAdded(address ev, string infos);
    event EVRemoved(address ev);
    event StatusChanged(bool status);
    event AuctionStarted(address consumer, uint256 amount, uint256 closingTime, uint256 startPrice);
    event BidPlaced(address consumer, address provider, uint256 rate);
    event Connected(address provider, address consumer, bytes32 token, uint256 validity);
    event ConnectionEnded(address provider, address consumer, uint256 fee);

    /// Algorithm 2 takes the token's validity from nowhere: a constant.
    uint256 public constant VALIDITY = 1 hours;

    address public owner;
    bool public status = true;
    uint256 public numberOfEVs;
    address[] public EVsAdr;
    mapping(address ev => EV) public EVs;
    mapping(address consumer => Bid) public Bids;
    mapping(address consumer => Consumer) public EVC;
    /// Reading: by consumer too. By provider alone, whoever leads two auctions would lose a deposit.
    mapping(address consumer => mapping(address provider => Provider)) public EVP;

    modifier OnlyOwner() {
        require(msg.sender == owner);
        _;
    }

    modifier OnlyEVs() {
        require(isEV(msg.sender) || msg.sender == owner);
        _;
    }

    constructor() {
        owner = msg.sender;
    }

    // Algorithm 1
    function addEV(address ev, string memory infos) public OnlyOwner {
        require(status);
        require(!isEV(ev));
        EVsAdr.push(ev);
        EVs[ev] = EV(ev, uint48(block.timestamp), uint48(EVsAdr.length - 1));
        numberOfEVs++;
        emit EVAdded(ev, infos);
    }

    // Reading: the last of the list takes the place of the removed one; without that, Algorithm 1 needs no index.
    function removeEV(address ev) public OnlyOwner {
        require(isEV(ev));
        uint48 index = EVs[ev].index;
        address last = EVsAdr[EVsAdr.length - 1];
        EVsAdr[index] = last;
        EVs[last].index = index;
        EVsAdr.pop();
        delete EVs[ev];
        numberOfEVs--;
        emit EVRemoved(ev);
    }

    function changeStatus() public OnlyOwner {
        status = !status;
        emit StatusChanged(status);
    }

    // Fig. 2: the consumer "starts the auction after making a deposit": the most that the energy can cost.
    function StartAuction(uint256 amount, uint256 biddingTime, uint256 startPrice) public payable OnlyEVs {
        require(status);
        Bid storage bid = Bids[msg.sender];
        // One request at a time: none that is open, and none that is connected.
        require(!bid.status && bid.lowestBidder == address(0));
        require(amount > 0 && startPrice > 0);
        require(msg.value == amount * startPrice);
        bid.status = true;
        bid.closingTime = block.timestamp + biddingTime;
        bid.amount = amount;
        bid.startPrice = startPrice;
        EVC[msg.sender].deposit = msg.value;
        emit AuctionStarted(msg.sender, amount, block.timestamp + biddingTime, startPrice);
    }

    // Fig. 2: "an equivalent amount is taken as deposit and his address is hold in the bid". Reading: equivalent to
    // the bid, and the overtaken provider gets its deposit back at once; the paper does not say what becomes of it.
    function PlaceBid(address consumer, uint256 rate) public payable OnlyEVs {
        require(status);
        Bid storage bid = Bids[consumer];
        require(bid.status);
        require(msg.sender != consumer);
        require(block.timestamp < bid.closingTime);
        address overtaken = bid.lowestBidder;
        require(rate > 0);
        require(overtaken == address(0) ? rate <= bid.startPrice : rate < bid.lowestBid);
        require(msg.value == bid.amount * rate);
        bid.lowestBid = rate;
        bid.lowestBidder = msg.sender;
        EVP[consumer][msg.sender] = Provider(msg.sender, bid.amount, rate, msg.value, block.timestamp);
        emit BidPlaced(consumer, msg.sender, rate);
        if (overtaken != address(0)) {
            uint256 refund = EVP[consumer][overtaken].deposit;
            EVP[consumer][overtaken].deposit = 0;
            _transfer(overtaken, refund);
        }
    }

    // Algorithm 2. Reading: "deposit ←- cost" takes the cost off; status is false from here on, else the function
    // could be called twice.
    function EndAuction(address provider, uint256 amount) public OnlyEVs {
        require(status);
        Bid storage bid = Bids[msg.sender];
        require(bid.status);
        require(provider == bid.lowestBidder);
        require(bid.closingTime <= block.timestamp);
        require(amount == bid.amount);
        bid.status = false;
        if (provider == address(0)) {
            // The listing has an empty branch here, which would keep the deposit for ever.
            uint256 deposit = EVC[msg.sender].deposit;
            EVC[msg.sender].deposit = 0;
            _transfer(msg.sender, deposit);
        } else {
            uint256 fee = amount * bid.lowestBid;
            EVC[msg.sender].deposit -= fee;
            bytes32 token = keccak256(abi.encodePacked(msg.sender, provider, block.timestamp, VALIDITY));
            EVC[msg.sender].token = token;
            emit Connected(provider, msg.sender, token, VALIDITY);
        }
    }

    // "the V2V's smart contract transfers the fee as well as the locked deposit to the EV electricity provider and the
    // remaining balance to the EV consumer". Reading: what was locked and the address in the bid are cleared, no more:
    // the published 21,136 gas are half of a call that clears two slots.
    function EndConnection() public OnlyEVs {
        Bid storage bid = Bids[msg.sender];
        address provider = bid.lowestBidder;
        require(!bid.status && provider != address(0));
        uint256 fee = bid.amount * bid.lowestBid;
        uint256 locked = EVP[msg.sender][provider].deposit;
        uint256 remaining = EVC[msg.sender].deposit;
        bid.lowestBidder = address(0);
        EVP[msg.sender][provider].deposit = 0;
        EVC[msg.sender].deposit = 0;
        emit ConnectionEnded(provider, msg.sender, fee);
        _transfer(provider, fee + locked);
        _transfer(msg.sender, remaining);
    }

    function isEV(address ev) public view returns (bool) {
        return EVs[ev].EOA != address(0);
    }

    /// @dev In 2020 `transfer`, which today's compiler warns of; to an account without code it costs the same.
    function _transfer(address to, uint256 amount) private {
        // solhint-disable-next-line avoid-low-level-calls
        (bool success,) = to.call{value: amount}("");
        require(success);
    }
}
