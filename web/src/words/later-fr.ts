// What the pages say that are loaded when they are opened, in French.
import type { LaterWords } from './index'

export const fr: LaterWords = {
  'pair.heading': 'Associer la voiture',
  'pair.connect': 'Connectez le portefeuille de cet échange.',
  'pair.scope': 'Votre voiture signe les reçus de cet échange : au plus {energy:kwh}, {cost:money}. Rien d’autre. Cela finit avec l’échange.',
  'pair.scope.provider': 'Votre voiture signe pour cet échange ce qu’elle a livré : au plus {energy:kwh}, {cost:money}. Rien d’autre. Cela finit avec l’échange.',
  'pair.compare': 'Votre voiture doit afficher',
  'pair.compare.why': 'Si elle affiche d’autres mots, ce code est celui d’une autre voiture : ne signez pas.',
  'pair.key': 'Sa clé :',
  'pair.sign': 'Ce sont les mêmes : signer',
  'pair.free': 'Signer est gratuit et ne déplace pas d’argent.',
  'pair.given': 'Votre voiture peut signer. Regardez son écran.',
  'pair.undelivered': 'Signé, mais pas encore dans la voiture : {said}',
  'pair.byhand': 'L’apporter à la voiture à la main',
  'pair.byhand.how': 'Copiez ce texte dans un fichier de la voiture, et nommez-le par --session-key. Il n’est pas secret.',
  'pair.copy': 'Copier le texte',
  'pair.nothing': 'Rien n’a été signé.',
  'pair.malformed': 'Ce n’est pas le code d’une voiture : scannez-le de nouveau.',
  'pair.elsewhere': 'Ce code est pour un autre marché.',
  'pair.notyours': 'Cet échange n’est pas le vôtre.',
  'pair.notconnected': 'Cet échange n’est pas en cours : on associe une voiture quand une offre est acceptée.',
  'pair.domain': 'Le contrat dit en être un autre que cette page ne croit.',
}
