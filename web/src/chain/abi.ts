// Written by `ape run artifact` from the compiled contracts; do not edit.
export const marketAbi = [
  {"inputs":[{"name":"account","type":"address"}],"name":"AlreadyEV","type":"error"},
  {"inputs":[{"name":"deadline","type":"uint256"},{"name":"timestamp","type":"uint256"}],"name":"AwardWindowPassed","type":"error"},
  {"inputs":[{"name":"account","type":"address"},{"name":"balance","type":"uint256"},{"name":"needed","type":"uint256"}],"name":"BalanceTooLow","type":"error"},
  {"inputs":[{"name":"evs","type":"uint256"},{"name":"infos","type":"uint256"}],"name":"BatchLengthMismatch","type":"error"},
  {"inputs":[{"name":"closingTime","type":"uint256"},{"name":"timestamp","type":"uint256"}],"name":"BiddingClosed","type":"error"},
  {"inputs":[{"name":"closingTime","type":"uint256"},{"name":"timestamp","type":"uint256"}],"name":"BiddingOpen","type":"error"},
  {"inputs":[{"name":"biddingTime","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"BiddingTimeOutOfRange","type":"error"},
  {"inputs":[{"name":"expiry","type":"uint256"},{"name":"timestamp","type":"uint256"}],"name":"ConnectionNotExpired","type":"error"},
  {"inputs":[],"name":"ECDSAInvalidSignature","type":"error"},
  {"inputs":[{"name":"length","type":"uint256"}],"name":"ECDSAInvalidSignatureLength","type":"error"},
  {"inputs":[{"name":"s","type":"bytes32"}],"name":"ECDSAInvalidSignatureS","type":"error"},
  {"inputs":[{"name":"energyWh","type":"uint256"},{"name":"contracted","type":"uint256"}],"name":"EnergyAboveContract","type":"error"},
  {"inputs":[],"name":"FailedCall","type":"error"},
  {"inputs":[{"name":"balance","type":"uint256"},{"name":"needed","type":"uint256"}],"name":"InsufficientBalance","type":"error"},
  {"inputs":[{"name":"account","type":"address"}],"name":"InvalidEV","type":"error"},
  {"inputs":[{"name":"to","type":"address"}],"name":"InvalidReceiver","type":"error"},
  {"inputs":[],"name":"InvalidShortString","type":"error"},
  {"inputs":[],"name":"MarketClosed","type":"error"},
  {"inputs":[{"name":"account","type":"address"},{"name":"consumer","type":"address"}],"name":"NotConsumer","type":"error"},
  {"inputs":[{"name":"account","type":"address"}],"name":"NotEV","type":"error"},
  {"inputs":[{"name":"account","type":"address"},{"name":"provider","type":"address"}],"name":"NotProvider","type":"error"},
  {"inputs":[{"name":"account","type":"address"},{"name":"consumer","type":"address"},{"name":"deadline","type":"uint256"}],"name":"OnlyConsumerUntil","type":"error"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"OwnAuction","type":"error"},
  {"inputs":[{"name":"owner","type":"address"}],"name":"OwnableInvalidOwner","type":"error"},
  {"inputs":[{"name":"account","type":"address"}],"name":"OwnableUnauthorizedAccount","type":"error"},
  {"inputs":[],"name":"OwnershipCannotBeRenounced","type":"error"},
  {"inputs":[{"name":"name","type":"string"},{"name":"value","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"ParameterOutOfRange","type":"error"},
  {"inputs":[{"name":"penalty","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"PenaltyAboveMaximum","type":"error"},
  {"inputs":[{"name":"penalty","type":"uint256"},{"name":"minimum","type":"uint256"}],"name":"PenaltyTooLow","type":"error"},
  {"inputs":[{"name":"from","type":"address"},{"name":"amount","type":"uint256"}],"name":"PlainTransfer","type":"error"},
  {"inputs":[{"name":"rate","type":"uint256"},{"name":"highest","type":"uint256"}],"name":"RateTooHigh","type":"error"},
  {"inputs":[{"name":"deadline","type":"uint256"},{"name":"timestamp","type":"uint256"}],"name":"SignatureExpired","type":"error"},
  {"inputs":[{"name":"str","type":"string"}],"name":"StringTooLong","type":"error"},
  {"inputs":[{"name":"length","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"TextTooLong","type":"error"},
  {"inputs":[{"name":"maximum","type":"uint256"}],"name":"TooManyRemovals","type":"error"},
  {"inputs":[{"name":"auctionId","type":"uint256"},{"name":"actual","type":"uint8"},{"name":"expected","type":"uint8"}],"name":"UnexpectedState","type":"error"},
  {"inputs":[{"name":"terms","type":"uint256"},{"name":"actual","type":"uint256"}],"name":"UnexpectedTerms","type":"error"},
  {"inputs":[{"name":"validity","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"ValidityOutOfRange","type":"error"},
  {"inputs":[{"name":"expected","type":"address"},{"name":"signer","type":"address"}],"name":"WrongSigner","type":"error"},
  {"inputs":[],"name":"ZeroAmount","type":"error"},
  {"inputs":[],"name":"ZeroEnergy","type":"error"},
  {"inputs":[],"name":"ZeroRate","type":"error"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"provider","type":"address"},{"indexed":false,"name":"penalty","type":"uint256"}],"name":"AuctionCancelled","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"provider","type":"address"},{"indexed":false,"name":"rate","type":"uint64"},{"indexed":false,"name":"cost","type":"uint256"}],"name":"AuctionEnded","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"consumer","type":"address"},{"indexed":false,"name":"energyWh","type":"uint32"},{"indexed":false,"name":"maxRate","type":"uint64"},{"indexed":false,"name":"closingTime","type":"uint256"},{"indexed":false,"name":"validity","type":"uint256"},{"indexed":false,"name":"openAward","type":"bool"},{"indexed":false,"name":"details","type":"string"}],"name":"AuctionStarted","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"provider","type":"address"},{"indexed":false,"name":"rate","type":"uint64"},{"indexed":false,"name":"closingTime","type":"uint256"}],"name":"BidPlaced","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"provider","type":"address"},{"indexed":false,"name":"penalty","type":"uint256"},{"indexed":false,"name":"closingTime","type":"uint256"}],"name":"BidRemoved","type":"event"},
  {"inputs":[{"indexed":true,"name":"provider","type":"address"}],"name":"BidsRevoked","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"provider","type":"address"},{"indexed":true,"name":"consumer","type":"address"},{"indexed":false,"name":"token","type":"bytes32"},{"indexed":false,"name":"validity","type":"uint256"}],"name":"Connected","type":"event"},
  {"inputs":[{"indexed":true,"name":"auctionId","type":"uint256"},{"indexed":true,"name":"consumer","type":"address"},{"indexed":true,"name":"provider","type":"address"},{"indexed":false,"name":"how","type":"uint8"},{"indexed":false,"name":"energyWh","type":"uint32"},{"indexed":false,"name":"cost","type":"uint256"},{"indexed":false,"name":"penalty","type":"uint256"},{"indexed":false,"name":"meterDataHash","type":"bytes32"}],"name":"ConnectionEnded","type":"event"},
  {"inputs":[{"indexed":true,"name":"account","type":"address"},{"indexed":true,"name":"from","type":"address"},{"indexed":false,"name":"amount","type":"uint256"}],"name":"Deposited","type":"event"},
  {"inputs":[],"name":"EIP712DomainChanged","type":"event"},
  {"inputs":[{"indexed":true,"name":"ev","type":"address"},{"indexed":false,"name":"infos","type":"string"}],"name":"EVAdded","type":"event"},
  {"inputs":[{"indexed":true,"name":"ev","type":"address"}],"name":"EVRemoved","type":"event"},
  {"inputs":[{"indexed":true,"name":"previousOwner","type":"address"},{"indexed":true,"name":"newOwner","type":"address"}],"name":"OwnershipTransferStarted","type":"event"},
  {"inputs":[{"indexed":true,"name":"previousOwner","type":"address"},{"indexed":true,"name":"newOwner","type":"address"}],"name":"OwnershipTransferred","type":"event"},
  {"inputs":[{"indexed":false,"name":"active","type":"bool"}],"name":"StatusChanged","type":"event"},
  {"inputs":[{"indexed":true,"name":"account","type":"address"},{"indexed":true,"name":"to","type":"address"},{"indexed":false,"name":"amount","type":"uint256"}],"name":"Withdrawn","type":"event"},
  {"inputs":[],"name":"acceptOwnership","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"accessToken","outputs":[{"name":"","type":"bytes32"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"active","outputs":[{"name":"","type":"bool"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"ev","type":"address"},{"name":"infos","type":"string"}],"name":"addEV","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"accounts","type":"address[]"},{"name":"infos","type":"string[]"}],"name":"addEVs","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"auctions","outputs":[{"components":[{"name":"state","type":"uint8"},{"name":"consumer","type":"address"},{"name":"energyWh","type":"uint32"},{"name":"maxRate","type":"uint64"},{"name":"closingTime","type":"uint256"},{"name":"validity","type":"uint256"},{"name":"openAward","type":"bool"},{"name":"provider","type":"address"},{"name":"rate","type":"uint64"},{"name":"connectedAt","type":"uint256"},{"name":"freeUntil","type":"uint256"},{"name":"removals","type":"uint256"}],"name":"info","type":"tuple"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"bond","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"},{"name":"maxPenalty","type":"uint256"}],"name":"cancelAuction","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[],"name":"changeStatus","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"consumer","type":"address"}],"name":"currentAuctionId","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"deposit","outputs":[],"stateMutability":"payable","type":"function"},
  {"inputs":[{"name":"ev","type":"address"}],"name":"depositFor","outputs":[],"stateMutability":"payable","type":"function"},
  {"inputs":[],"name":"eip712Domain","outputs":[{"name":"fields","type":"bytes1"},{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"},{"name":"salt","type":"bytes32"},{"name":"extensions","type":"uint256[]"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"endAuction","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"endConnection","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"account","type":"address"}],"name":"evs","outputs":[{"components":[{"name":"balance","type":"uint128"},{"name":"addedAt","type":"uint40"},{"name":"completed","type":"uint40"},{"name":"noShows","type":"uint24"},{"name":"revocations","type":"uint24"}],"name":"","type":"tuple"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"expireConnection","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"forfeit","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"account","type":"address"}],"name":"isEV","outputs":[{"name":"","type":"bool"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"numberOfEVs","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"owner","outputs":[{"name":"","type":"address"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"parameters","outputs":[{"components":[{"name":"bondBps","type":"uint16"},{"name":"penaltyBps","type":"uint16"},{"name":"minDecrementBps","type":"uint16"},{"name":"extensionWindow","type":"uint32"},{"name":"awardWindow","type":"uint32"},{"name":"settlementWindow","type":"uint32"},{"name":"minPenalty","type":"uint64"}],"name":"","type":"tuple"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"penalty","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"pendingOwner","outputs":[{"name":"","type":"address"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"},{"name":"rate","type":"uint64"},{"name":"terms_","type":"uint256"}],"name":"placeBid","outputs":[],"stateMutability":"payable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"},{"name":"provider","type":"address"},{"name":"rate","type":"uint64"},{"name":"deadline","type":"uint256"},{"name":"signature","type":"bytes"}],"name":"placeBidFor","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"removeBid","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"ev","type":"address"}],"name":"removeEV","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[],"name":"renounceOwnership","outputs":[],"stateMutability":"pure","type":"function"},
  {"inputs":[{"name":"auctionId","type":"uint256"}],"name":"reserve","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[],"name":"revokeBids","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"active_","type":"bool"}],"name":"setActive","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"components":[{"name":"auctionId","type":"uint256"},{"name":"energyWh","type":"uint32"},{"name":"meterDataHash","type":"bytes32"},{"name":"last","type":"bool"}],"name":"reading","type":"tuple"},{"name":"consumerSignature","type":"bytes"},{"name":"providerSignature","type":"bytes"}],"name":"settle","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"energyWh","type":"uint32"},{"name":"maxRate","type":"uint64"},{"name":"biddingTime","type":"uint256"},{"name":"validity","type":"uint256"},{"name":"openAward","type":"bool"},{"name":"details","type":"string"}],"name":"startAuction","outputs":[{"name":"auctionId","type":"uint256"}],"stateMutability":"payable","type":"function"},
  {"inputs":[{"name":"newOwner","type":"address"}],"name":"transferOwnership","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"amount","type":"uint256"},{"name":"to","type":"address"}],"name":"withdraw","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"amount","type":"uint256"},{"name":"before","type":"uint256"},{"name":"held","type":"uint256"}],"name":"InexactTransfer","type":"error"},
  {"inputs":[],"name":"ReentrancyGuardReentrantCall","type":"error"},
  {"inputs":[{"name":"token","type":"address"}],"name":"SafeERC20FailedOperation","type":"error"},
  {"inputs":[{"name":"decimals","type":"uint256"},{"name":"minimum","type":"uint256"}],"name":"TooFewDecimals","type":"error"},
  {"inputs":[{"name":"held","type":"uint256"},{"name":"maximum","type":"uint256"}],"name":"TooMuchHeld","type":"error"},
  {"inputs":[{"name":"amount","type":"uint256"}],"name":"UnexpectedEther","type":"error"},
  {"inputs":[],"name":"currency","outputs":[{"name":"","type":"address"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"amount","type":"uint256"}],"name":"deposit","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"ev","type":"address"},{"name":"amount","type":"uint256"}],"name":"depositFor","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"from","type":"address"},{"name":"amount","type":"uint256"},{"name":"validAfter","type":"uint256"},{"name":"validBefore","type":"uint256"},{"name":"nonce","type":"bytes32"},{"name":"v","type":"uint8"},{"name":"r","type":"bytes32"},{"name":"s","type":"bytes32"}],"name":"depositWithAuthorization","outputs":[],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"account","type":"address"},{"name":"amount","type":"uint256"},{"name":"to","type":"address"},{"name":"deadline","type":"uint256"},{"name":"signature","type":"bytes"}],"name":"withdrawFor","outputs":[],"stateMutability":"nonpayable","type":"function"},
] as const
export const tokenAbi = [
  {"inputs":[{"name":"spender","type":"address"},{"name":"allowance","type":"uint256"},{"name":"needed","type":"uint256"}],"name":"ERC20InsufficientAllowance","type":"error"},
  {"inputs":[{"name":"sender","type":"address"},{"name":"balance","type":"uint256"},{"name":"needed","type":"uint256"}],"name":"ERC20InsufficientBalance","type":"error"},
  {"inputs":[{"name":"approver","type":"address"}],"name":"ERC20InvalidApprover","type":"error"},
  {"inputs":[{"name":"receiver","type":"address"}],"name":"ERC20InvalidReceiver","type":"error"},
  {"inputs":[{"name":"sender","type":"address"}],"name":"ERC20InvalidSender","type":"error"},
  {"inputs":[{"name":"spender","type":"address"}],"name":"ERC20InvalidSpender","type":"error"},
  {"inputs":[{"name":"owner","type":"address"},{"name":"spender","type":"address"}],"name":"allowance","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
  {"inputs":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"}],"name":"approve","outputs":[{"name":"","type":"bool"}],"stateMutability":"nonpayable","type":"function"},
  {"inputs":[{"name":"account","type":"address"}],"name":"balanceOf","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
] as const
export type ErrorName =
  | 'AlreadyEV'
  | 'AwardWindowPassed'
  | 'BalanceTooLow'
  | 'BatchLengthMismatch'
  | 'BiddingClosed'
  | 'BiddingOpen'
  | 'BiddingTimeOutOfRange'
  | 'ConnectionNotExpired'
  | 'ECDSAInvalidSignature'
  | 'ECDSAInvalidSignatureLength'
  | 'ECDSAInvalidSignatureS'
  | 'ERC20InsufficientAllowance'
  | 'ERC20InsufficientBalance'
  | 'ERC20InvalidApprover'
  | 'ERC20InvalidReceiver'
  | 'ERC20InvalidSender'
  | 'ERC20InvalidSpender'
  | 'EnergyAboveContract'
  | 'FailedCall'
  | 'InexactTransfer'
  | 'InsufficientBalance'
  | 'InvalidEV'
  | 'InvalidReceiver'
  | 'InvalidShortString'
  | 'MarketClosed'
  | 'NotConsumer'
  | 'NotEV'
  | 'NotProvider'
  | 'OnlyConsumerUntil'
  | 'OwnAuction'
  | 'OwnableInvalidOwner'
  | 'OwnableUnauthorizedAccount'
  | 'OwnershipCannotBeRenounced'
  | 'ParameterOutOfRange'
  | 'PenaltyAboveMaximum'
  | 'PenaltyTooLow'
  | 'PlainTransfer'
  | 'RateTooHigh'
  | 'ReentrancyGuardReentrantCall'
  | 'SafeERC20FailedOperation'
  | 'SignatureExpired'
  | 'StringTooLong'
  | 'TextTooLong'
  | 'TooFewDecimals'
  | 'TooManyRemovals'
  | 'TooMuchHeld'
  | 'UnexpectedEther'
  | 'UnexpectedState'
  | 'UnexpectedTerms'
  | 'ValidityOutOfRange'
  | 'WrongSigner'
  | 'ZeroAmount'
  | 'ZeroEnergy'
  | 'ZeroRate'
