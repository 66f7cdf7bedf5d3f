// What the pages say that are loaded when they are opened, in English.

export const en = {
  'pair.heading': 'Pair your car',
  'pair.connect': 'Connect the wallet that this trade is of.',
  'pair.scope': 'Your car signs receipts for this trade: at most {energy:kwh}, {cost:money}. Nothing else. It ends with the trade.',
  'pair.scope.provider': 'Your car signs for this trade what it has delivered: at most {energy:kwh}, {cost:money}. Nothing else. It ends with the trade.',
  'pair.compare': 'Your car has to show',
  'pair.compare.why': 'If it shows other words, this code is of another car: do not sign.',
  'pair.key': 'Its key:',
  'pair.sign': 'They are the same: sign',
  'pair.free': 'Signing is free, and moves no money.',
  'pair.given': 'Your car may sign now. Look at its display.',
  'pair.undelivered': 'Signed, and not with your car yet: {said}',
  'pair.byhand': 'Bring it to the car by hand',
  'pair.byhand.how': 'Copy this text to a file in the car, and name it with --session-key. It is no secret.',
  'pair.copy': 'Copy the text',
  'pair.nothing': 'Nothing was signed.',
  'pair.malformed': 'This is no code of a car: scan it again.',
  'pair.elsewhere': 'This code is for another market.',
  'pair.notyours': 'This trade is not yours.',
  'pair.notconnected': 'This trade is not under way: a car is paired after a bid was accepted.',
  'pair.domain': 'The contract says that it is another one than this page believes.',
}
